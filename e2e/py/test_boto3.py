"""Debian's boto3 against a running `latchkey up`.

It knows nothing of GetTokensFromRefreshToken, so it refreshes with
REFRESH_TOKEN_AUTH.
"""

import base64
import datetime
import json
import os
import unittest
import uuid

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from latchkey_up import PASSWORD, TEMPORARY, Service

INCORRECT = "Incorrect username or password."

service = None


def setUpModule():
    global service
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    service = Service()


def tearDownModule():
    service.stop()


def payload(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class Case(unittest.TestCase):
    """What the tests of both APIs need."""

    def setUp(self):
        up = service.ready
        self.client_id, self.pool = up["client_id"], up["user_pool_id"]
        # Without keys, so that a public operation that wants some fails.
        self.public = self.client(config=Config(signature_version=UNSIGNED))
        self.admin = self.client(aws_access_key_id=up["access_key_id"], aws_secret_access_key=up["secret_access_key"])

    def client(self, api="cognito-idp", **arguments):
        made = boto3.session.Session().client(api, region_name=service.ready["region"],
                                              endpoint_url=service.ready["endpoint"], **arguments)
        self.addCleanup(made.close)
        return made

    def new_user(self, permanent=True):
        name = "user-" + uuid.uuid4().hex[:12]
        self.admin.admin_create_user(
            UserPoolId=self.pool, Username=name, TemporaryPassword=TEMPORARY, MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "email", "Value": name + "@example.com"}])
        if permanent:
            self.admin.admin_set_user_password(UserPoolId=self.pool, Username=name, Password=PASSWORD, Permanent=True)
        return name

    def password_auth(self, name, password=PASSWORD):
        return self.public.initiate_auth(ClientId=self.client_id, AuthFlow="USER_PASSWORD_AUTH",
                                         AuthParameters={"USERNAME": name, "PASSWORD": password})

    def refresh_auth(self, token):
        return self.public.initiate_auth(ClientId=self.client_id, AuthFlow="REFRESH_TOKEN_AUTH",
                                         AuthParameters={"REFRESH_TOKEN": token})

    def refused(self, error, message, call, *arguments, **named):
        with self.assertRaises(error) as caught:
            call(*arguments, **named)
        self.assertEqual(caught.exception.response["Error"]["Message"], message)
        self.assertEqual(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], 400)


class Boto3(Case):
    def test_sign_in(self):
        name = self.new_user()
        result = self.password_auth(name)["AuthenticationResult"]
        self.assertEqual(result["TokenType"], "Bearer")
        self.assertEqual(result["ExpiresIn"], 3600)
        access, identity = payload(result["AccessToken"]), payload(result["IdToken"])
        self.assertEqual(access["username"], name)
        self.assertEqual(identity["cognito:username"], name)
        self.assertEqual(access["iss"], service.ready["endpoint"] + "/" + self.pool)
        self.assertEqual(access["origin_jti"], identity["origin_jti"])
        user = self.public.get_user(AccessToken=result["AccessToken"])
        attributes = {a["Name"]: a["Value"] for a in user["UserAttributes"]}
        self.assertEqual(attributes["sub"], access["sub"])
        self.assertEqual(attributes["email"], name + "@example.com")

    def test_refresh(self):
        first = self.password_auth(self.new_user())["AuthenticationResult"]
        second = self.refresh_auth(first["RefreshToken"])["AuthenticationResult"]
        self.assertNotIn("RefreshToken", second)
        self.assertNotEqual(second["AccessToken"], first["AccessToken"])
        for kept in ("auth_time", "origin_jti", "sub"):
            self.assertEqual(payload(second["IdToken"])[kept], payload(first["IdToken"])[kept], kept)
        self.public.get_user(AccessToken=second["AccessToken"])

    def test_new_password_required(self):
        name = self.new_user(permanent=False)
        asked = self.password_auth(name, TEMPORARY)
        self.assertEqual(asked["ChallengeName"], "NEW_PASSWORD_REQUIRED")
        self.assertNotIn("AuthenticationResult", asked)
        self.assertEqual(json.loads(asked["ChallengeParameters"]["requiredAttributes"]), [])
        known = json.loads(asked["ChallengeParameters"]["userAttributes"])
        self.assertEqual(known["email"], name + "@example.com")

        def answer(password):
            return self.public.respond_to_auth_challenge(
                ClientId=self.client_id, ChallengeName=asked["ChallengeName"], Session=asked["Session"],
                ChallengeResponses={"USERNAME": name, "NEW_PASSWORD": password})

        self.refused(self.public.exceptions.InvalidPasswordException,
                     "Password did not conform with policy: Password must have uppercase characters",
                     answer, "correct-horse-9")
        done = answer(PASSWORD)["AuthenticationResult"]
        self.assertEqual(payload(done["AccessToken"])["username"], name)
        user = self.admin.admin_get_user(UserPoolId=self.pool, Username=name)
        self.assertEqual(user["UserStatus"], "CONFIRMED")

    def test_sign_out(self):
        name = self.new_user()
        one, other = (self.password_auth(name)["AuthenticationResult"] for _ in range(2))
        self.public.revoke_token(ClientId=self.client_id, Token=one["RefreshToken"])
        denied = self.public.exceptions.NotAuthorizedException
        self.refused(denied, "Refresh Token has been revoked", self.refresh_auth, one["RefreshToken"])
        self.refused(denied, "Access Token has been revoked", self.public.get_user, AccessToken=one["AccessToken"])
        self.public.global_sign_out(AccessToken=other["AccessToken"])
        self.refused(denied, "Access Token has been revoked", self.public.get_user, AccessToken=other["AccessToken"])

    def test_errors_have_classes(self):
        name = self.new_user()
        e, admin = self.public.exceptions, self.admin.exceptions  # each client has classes of its own
        self.refused(e.NotAuthorizedException, INCORRECT, self.password_auth, name, "Wrong-Horse-9")
        self.refused(e.NotAuthorizedException, INCORRECT, self.password_auth, "nobody-at-all", "Wrong-Horse-9")
        self.refused(e.NotAuthorizedException, "Invalid Refresh Token.", self.refresh_auth, "no-token")
        user = {"UserPoolId": self.pool, "Username": name}
        self.refused(admin.UsernameExistsException, "User account already exists",
                     self.admin.admin_create_user, MessageAction="SUPPRESS", **user)
        self.admin.admin_disable_user(**user)
        self.refused(e.NotAuthorizedException, "User is disabled.", self.password_auth, name)
        self.admin.admin_enable_user(**user)
        self.admin.admin_reset_user_password(**user)
        self.refused(e.PasswordResetRequiredException, "Password reset required for the user", self.password_auth, name)
        self.admin.admin_delete_user(**user)
        self.refused(admin.UserNotFoundException, "User does not exist.", self.admin.admin_get_user, **user)
        self.refused(admin.ResourceNotFoundException, "User pool us-east-1_NoSuchPl does not exist.",
                     self.admin.describe_user_pool, UserPoolId="us-east-1_NoSuchPl")

    def test_dates_are_dates(self):
        user = self.admin.admin_get_user(UserPoolId=self.pool, Username=self.new_user())
        now = datetime.datetime.now(datetime.timezone.utc)
        self.assertLess(abs(now - user["UserCreateDate"]), datetime.timedelta(minutes=10))

    def test_list_users_pages(self):
        pool = self.admin.create_user_pool(PoolName="pages")["UserPool"]["Id"]
        self.addCleanup(self.admin.delete_user_pool, UserPoolId=pool)
        names = [f"page{i}" for i in range(7)]
        for name in names:
            self.admin.admin_create_user(UserPoolId=pool, Username=name, MessageAction="SUPPRESS")
        paginator = self.admin.get_paginator("list_users")
        pages = list(paginator.paginate(UserPoolId=pool, PaginationConfig={"PageSize": 3}))
        self.assertEqual([len(page["Users"]) for page in pages], [3, 3, 1])
        self.assertEqual(sorted(u["Username"] for page in pages for u in page["Users"]), names)
        found = self.admin.list_users(UserPoolId=pool, Filter='username ^= "page6"')["Users"]
        self.assertEqual([u["Username"] for u in found], ["page6"])

    def test_groups(self):
        name, pool = self.new_user(), {"UserPoolId": self.pool}
        self.admin.create_group(GroupName="from-boto3", Precedence=0, **pool)
        self.admin.admin_add_user_to_group(GroupName="from-boto3", Username=name, **pool)
        groups = [g for page in self.admin.get_paginator("list_groups").paginate(**pool) for g in page["Groups"]]
        self.assertIn(("from-boto3", 0), [(g["GroupName"], g["Precedence"]) for g in groups])
        members = self.admin.list_users_in_group(GroupName="from-boto3", **pool)["Users"]
        self.assertEqual([u["Username"] for u in members], [name])
        tokens = self.password_auth(name)["AuthenticationResult"]
        self.assertEqual(payload(tokens["IdToken"])["cognito:groups"], ["from-boto3"])

    def test_administrator_signs_in_for_a_user(self):
        name = self.new_user()
        result = self.admin.admin_initiate_auth(
            UserPoolId=self.pool, ClientId=self.client_id, AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD})["AuthenticationResult"]
        self.admin.admin_user_global_sign_out(UserPoolId=self.pool, Username=name)
        self.refused(self.public.exceptions.NotAuthorizedException, "Access Token has been revoked",
                     self.public.get_user, AccessToken=result["AccessToken"])

    def test_signatures(self):
        for code, key, secret in (
            ("InvalidSignatureException", service.ready["access_key_id"], "not-the-secret"),
            ("UnrecognizedClientException", "AKIAIOSFODNN7EXAMPLE", service.ready["secret_access_key"]),
        ):
            thief = self.client(aws_access_key_id=key, aws_secret_access_key=secret)
            with self.assertRaises(ClientError) as caught:
                thief.list_users(UserPoolId=self.pool)
            self.assertEqual(caught.exception.response["Error"]["Code"], code)
        unsigned = self.client(config=Config(signature_version=UNSIGNED))
        with self.assertRaises(ClientError) as caught:
            unsigned.list_users(UserPoolId=self.pool)
        self.assertEqual(caught.exception.response["Error"]["Code"], "MissingAuthenticationTokenException")


class IdentityPool(Case):
    def setUp(self):
        super().setUp()
        up = service.ready
        self.identities = self.client("cognito-identity", config=Config(signature_version=UNSIGNED))
        self.identity_admin = self.client("cognito-identity", aws_access_key_id=up["access_key_id"],
                                          aws_secret_access_key=up["secret_access_key"])
        self.provider = f"cognito-idp.{up['region']}.amazonaws.com/{self.pool}"
        self.identity_pool = up["identity_pool_id"]

    def logins(self, name):
        return {self.provider: self.password_auth(name)["AuthenticationResult"]["IdToken"]}

    def get_id(self, **named):
        return self.identities.get_id(IdentityPoolId=self.identity_pool, **named)["IdentityId"]

    def test_guest_signs_in(self):
        guest, name = self.get_id(), self.new_user()
        credentials = self.identities.get_credentials_for_identity(IdentityId=guest)["Credentials"]
        self.assertTrue(credentials["AccessKeyId"].startswith("ASIA"))
        left = credentials["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
        self.assertGreater(left, datetime.timedelta(minutes=50))
        logins = self.logins(name)
        answer = self.identities.get_credentials_for_identity(IdentityId=guest, Logins=logins)
        self.assertEqual(answer["IdentityId"], guest)
        self.assertEqual(self.get_id(Logins=self.logins(name)), guest)
        denied = self.identities.exceptions.NotAuthorizedException
        self.refused(denied, f"Access to Identity '{guest}' is forbidden.",
                     self.identities.get_credentials_for_identity, IdentityId=guest)
        other = self.get_id()
        answer = self.identities.get_credentials_for_identity(IdentityId=other, Logins=logins)
        self.assertEqual(answer["IdentityId"], guest)
        described = self.identity_admin.describe_identity(IdentityId=guest)
        self.assertEqual(described["Logins"], [self.provider])

    def test_refusals(self):
        name, e = self.new_user(), self.identities.exceptions
        logins = self.logins(name)
        forged = {self.provider: logins[self.provider][:-6] + "AAAAAA"}
        self.refused(e.NotAuthorizedException, "Invalid login token. Couldn't verify signed token.",
                     self.get_id, Logins=forged)
        self.refused(e.NotAuthorizedException, "Token is not from a supported provider of this identity pool.",
                     self.get_id, Logins={"accounts.google.com": logins[self.provider]})
        gone = "us-east-1:00000000-0000-4000-8000-000000000000"
        self.refused(e.ResourceNotFoundException, f"Identity '{gone}' not found.",
                     self.identities.get_credentials_for_identity, IdentityId=gone)
        self.admin.admin_user_global_sign_out(UserPoolId=self.pool, Username=name)
        self.refused(e.NotAuthorizedException, "Token is inactive", self.get_id, Logins=logins)
        with self.assertRaises(ClientError) as caught:
            self.identities.list_identity_pools(MaxResults=10)
        self.assertEqual(caught.exception.response["Error"]["Code"], "MissingAuthenticationTokenException")

    def test_pool_with_roles(self):
        admin = self.identity_admin
        pool = admin.create_identity_pool(IdentityPoolName="from-boto3", AllowUnauthenticatedIdentities=True,
                                          DeveloperProviderName="login.example.app")["IdentityPoolId"]
        self.addCleanup(admin.delete_identity_pool, IdentityPoolId=pool)
        role = "arn:aws:iam::000000000000:role/any"
        admin.set_identity_pool_roles(IdentityPoolId=pool, Roles={"authenticated": role, "unauthenticated": role})
        self.assertEqual(admin.get_identity_pool_roles(IdentityPoolId=pool)["Roles"]["authenticated"], role)
        made = admin.get_open_id_token_for_developer_identity(IdentityPoolId=pool, Logins={"login.example.app": "ann"})
        claims = payload(made["Token"])
        self.assertEqual((claims["sub"], claims["aud"]), (made["IdentityId"], pool))
        self.assertEqual(claims["iss"], service.ready["endpoint"] + "/" + pool)
        self.identities.get_credentials_for_identity(
            IdentityId=made["IdentityId"], Logins={"cognito-identity.amazonaws.com": made["Token"]})
        pages = admin.get_paginator("list_identity_pools").paginate(PaginationConfig={"PageSize": 1})
        self.assertIn(pool, [p["IdentityPoolId"] for page in pages for p in page["IdentityPools"]])
        self.assertEqual(len(admin.list_identities(IdentityPoolId=pool, MaxResults=10)["Identities"]), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
