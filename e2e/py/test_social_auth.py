"""Debian's python3-social-auth-core, which is below Django's and Flask's social login:
its Cognito backend and its OpenID Connect one."""

import html
import http.cookiejar
import re
import unittest
import urllib.error
import urllib.parse
import urllib.request
import uuid

import boto3
from social_core.backends.cognito import CognitoOAuth2
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.exceptions import AuthStateForbidden
from social_core.storage import AssociationMixin
from social_core.strategy import BaseStrategy

from latchkey_up import PASSWORD, Service

HOME = "https://app.example.com/complete/"
service = None


def setUpModule():
    global service
    service = Service()


def tearDownModule():
    service.stop()


class Associations(AssociationMixin):
    """The nonces that the OpenID Connect backend remembers, in memory."""

    kept = {}

    def __init__(self, handle):
        self.id = self.handle = handle

    @classmethod
    def store(cls, server_url, association):
        cls.kept[(server_url, association.handle)] = cls(association.handle)

    @classmethod
    def get(cls, server_url=None, handle=None, **_):
        found = cls.kept.get((server_url, handle))
        return [found] if found else []

    @classmethod
    def remove(cls, ids):
        cls.kept = {key: value for key, value in cls.kept.items() if value.id not in ids}


class Storage:
    association = Associations


class Strategy(BaseStrategy):
    """An application's settings, session and present request."""

    def __init__(self, settings):
        super().__init__(Storage)
        self.settings, self.session, self.request = settings, {}, {}

    def get_setting(self, name):
        return self.settings[name]

    def request_data(self, merge=True):
        return self.request

    def request_host(self):
        return "app.example.com"

    def build_absolute_uri(self, path=None):
        return urllib.parse.urljoin(HOME, path)

    def session_get(self, name, default=None):
        return self.session.get(name, default)

    def session_set(self, name, value):
        self.session[name] = value

    def session_pop(self, name):
        return self.session.pop(name, None)

    def redirect(self, url):
        return url


class Browser:
    """Follows redirects, fills in the sign-in page, and stops at the application."""

    class _Stop(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *arguments):
            return None

    def __init__(self):
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), self._Stop, urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def visit(self, url, form):
        """Returns the query that the application is called with."""
        data = None
        for _ in range(20):
            headers = {"Origin": "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(url)), "Sec-Fetch-Site": "same-origin"} if data else {}
            try:
                with self.opener.open(urllib.request.Request(url, data, headers)) as answer:
                    action = re.search(r'<form[^>]* action="([^"]+)"', answer.read().decode()).group(1)
                url, data = urllib.parse.urljoin(url, html.unescape(action)), urllib.parse.urlencode(form).encode()
            except urllib.error.HTTPError as moved:
                with moved:
                    if moved.code not in (302, 303):
                        raise AssertionError(f"{moved.code} of {url}: {moved.read().decode()}") from None
                    url, data = urllib.parse.urljoin(url, moved.headers["Location"]), None
            if url.startswith(HOME):
                return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        raise AssertionError("no end of redirects: " + url)


class SocialAuth(unittest.TestCase):
    def setUp(self):
        up = service.ready
        self.pool, self.issuer = up["user_pool_id"], up["endpoint"] + "/" + up["user_pool_id"]
        self.admin = boto3.session.Session().client(
            "cognito-idp", region_name=up["region"], endpoint_url=up["endpoint"],
            aws_access_key_id=up["access_key_id"], aws_secret_access_key=up["secret_access_key"])
        self.addCleanup(self.admin.close)
        self.name = "user-" + uuid.uuid4().hex[:12]
        self.admin.admin_create_user(
            UserPoolId=self.pool, Username=self.name, MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "email", "Value": self.name + "@example.com"}, {"Name": "given_name", "Value": "Ann"},
                            {"Name": "family_name", "Value": "Lee"}])
        self.admin.admin_set_user_password(UserPoolId=self.pool, Username=self.name, Password=PASSWORD, Permanent=True)

    def backend(self, kind):
        client = self.admin.create_user_pool_client(
            UserPoolId=self.pool, ClientName="social", GenerateSecret=True, AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=["code"], AllowedOAuthScopes=["openid", "email", "profile"], CallbackURLs=[HOME],
            SupportedIdentityProviders=["COGNITO"])["UserPoolClient"]
        strategy = Strategy({
            "KEY": client["ClientId"], "SECRET": client["ClientSecret"],
            "SOCIAL_AUTH_COGNITO_POOL_DOMAIN": self.issuer, "SOCIAL_AUTH_OIDC_OIDC_ENDPOINT": self.issuer,
            "SOCIAL_AUTH_OIDC_USERNAME_KEY": "username",
        })
        return kind(strategy, redirect_uri=HOME)

    def answered(self, backend):
        backend.data = backend.strategy.request = Browser().visit(backend.start(), {"username": self.name, "password": PASSWORD})
        return backend

    def complete(self, backend):
        """What the backend knows before the application's pipeline of users begins."""
        state = backend.validate_state()
        backend.process_error(backend.data)
        tokens = backend.request_access_token(
            backend.access_token_url(), data=backend.auth_complete_params(state), headers=backend.auth_headers(),
            auth=backend.auth_complete_credentials(), method=backend.ACCESS_TOKEN_METHOD)
        backend.process_error(tokens)
        return tokens, backend.get_user_details(backend.user_data(tokens["access_token"]))

    def test_cognito(self):
        tokens, user = self.complete(self.answered(self.backend(CognitoOAuth2)))
        self.assertEqual((user["username"], user["email"], user["fullname"]), (self.name, self.name + "@example.com", "Ann Lee"))
        self.assertEqual(tokens["token_type"], "Bearer")

    def test_openid_connect(self):
        backend = self.answered(self.backend(OpenIdConnectAuth))
        _, user = self.complete(backend)
        self.assertEqual((user["username"], user["email"], user["first_name"]), (self.name, self.name + "@example.com", "Ann"))
        self.assertEqual(backend.id_token["cognito:username"], self.name)

    def test_refresh(self):
        for kind in (CognitoOAuth2, OpenIdConnectAuth):
            with self.subTest(kind=kind.__name__):
                backend = self.answered(self.backend(kind))
                tokens, _ = self.complete(backend)
                again = backend.refresh_token(tokens["refresh_token"])
                self.assertNotEqual(again["access_token"], tokens["access_token"])
                self.assertEqual(backend.user_data(again["access_token"])["email"], self.name + "@example.com")
                self.admin.admin_user_global_sign_out(UserPoolId=self.pool, Username=self.name)
                with self.assertRaises(Exception) as refused:
                    backend.refresh_token(tokens["refresh_token"])
                self.assertEqual(refused.exception.response.json()["error"], "invalid_grant")

    def test_another_state_is_refused(self):
        for kind in (CognitoOAuth2, OpenIdConnectAuth):
            backend = self.answered(self.backend(kind))
            backend.data["state"] += "x"
            self.assertRaises(AuthStateForbidden, self.complete, backend)


if __name__ == "__main__":
    unittest.main(verbosity=2)
