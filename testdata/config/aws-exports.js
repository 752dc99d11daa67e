/* eslint-disable */
// WARNING: {generated}, do not edit.

const awsmobile = {
    "aws_project_region": "us-west-2",
    "aws_cognito_identity_pool_id": "us-west-2:2c9d7f10-3c3e-4a0f-8a37-0b9a1f8f2b22",
    "aws_cognito_region": "us-west-2",
    "aws_user_pools_id": "us-west-2_Zy9xWv8uT",
    "aws_user_pools_web_client_id": "1example2client3id4example",
    "oauth": {
        "domain": "shop.auth.us-west-2.amazoncognito.com",
        "scope": ["openid", "profile"],
        "redirectSignIn": "http://localhost:3000/, https://shop.example.com/",
        "redirectSignOut": "http://localhost:3000/",
        "responseType": "code"
    },
    "aws_cognito_username_attributes": ["EMAIL"],
    "aws_cognito_social_providers": ["FACEBOOK"],
    "aws_cognito_signup_attributes": ["EMAIL", "NAME"],
    "aws_cognito_mfa_configuration": "ON",
    "aws_cognito_mfa_types": ["SMS"],
    "aws_cognito_password_protection_settings": { "passwordPolicyMinLength": "10", "passwordPolicyCharacters": ["REQUIRES_LOWERCASE", "REQUIRES_SYMBOLS"] },
    "aws_cognito_verification_mechanisms": ["PHONE_NUMBER"]
};


export default awsmobile;
