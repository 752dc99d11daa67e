package tokens

const ScopeAPI = scopeAPI

var RefreshTokenOf = (*Service).refreshToken
