// Signers that leave Content-Type out of the signature, as AWS accepts it: the AWS SDK for
// JavaScript 2 and aws4fetch.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import AWS from 'aws-sdk';
import { AwsClient } from 'aws4fetch';
import { start } from './service.js';

let up;

before(async () => {
	up = await start();
});

after(() => up?.stop());

describe('the AWS SDK for JavaScript 2', () => {
	it('administers a user', async () => {
		const client = new AWS.CognitoIdentityServiceProvider({
			endpoint: up.endpoint, region: up.region, accessKeyId: up.access_key_id, secretAccessKey: up.secret_access_key,
		});
		const pool = { UserPoolId: up.user_pool_id };
		await client.adminCreateUser({ ...pool, Username: 'sdk2', MessageAction: 'SUPPRESS' }).promise();
		const user = await client.adminGetUser({ ...pool, Username: 'sdk2' }).promise();
		assert.equal(user.UserStatus, 'FORCE_CHANGE_PASSWORD');
		await client.adminDeleteUser({ ...pool, Username: 'sdk2' }).promise();
		await assert.rejects(client.adminGetUser({ ...pool, Username: 'sdk2' }).promise(), { code: 'UserNotFoundException' });
	});
});

describe('aws4fetch', () => {
	const call = (client, operation, body) => client.fetch(`${up.endpoint}/`, {
		method: 'POST', body: JSON.stringify(body), aws: { service: 'cognito-idp', region: up.region },
		headers: { 'Content-Type': 'application/x-amz-json-1.1', 'X-Amz-Target': `AWSCognitoIdentityProviderService.${operation}` },
	});

	it('describes the pool', async () => {
		const client = new AwsClient({ accessKeyId: up.access_key_id, secretAccessKey: up.secret_access_key });
		const answer = await call(client, 'DescribeUserPool', { UserPoolId: up.user_pool_id });
		assert.equal(answer.status, 200);
		assert.equal((await answer.json()).UserPool.Id, up.user_pool_id);
	});

	it('is refused with another secret', async () => {
		const client = new AwsClient({ accessKeyId: up.access_key_id, secretAccessKey: 'another', retries: 0 });
		const answer = await call(client, 'DescribeUserPool', { UserPoolId: up.user_pool_id });
		assert.equal(answer.headers.get('x-amzn-errortype'), 'InvalidSignatureException:');
	});
});
