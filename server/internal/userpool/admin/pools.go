package admin

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/limits"
	"github.com/latchkey-auth/latchkey/server/internal/paging"
	"github.com/latchkey-auth/latchkey/server/internal/settings"
	"github.com/latchkey-auth/latchkey/server/internal/tagging"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// accountID is the AWS account in the ARNs of this service, which has none.
const accountID = "000000000000"

// CreateUserPool makes a user pool with its two signing keys. Making the keys
// is slow and happens outside the transaction that writes pool and keys together.
func (s *Service) CreateUserPool(ctx context.Context, in *wire.CreateUserPoolRequest) (*wire.CreateUserPoolResponse, error) {
	set, err := newPoolSettings(in)
	if err != nil {
		return nil, err
	}
	id, err := s.idOfPool(ctx, in.UserPoolTags)
	if err != nil {
		return nil, err
	}
	set.Issuers = []string{s.issuer(id)}
	data, err := settings.Encode(set)
	if err != nil {
		return nil, err
	}
	signing, err := s.keys.Create(ctx, id)
	if err != nil {
		return nil, err
	}
	now := s.now()
	row := storage.Pool{ID: id, Name: in.PoolName, Settings: data, CreatedAt: now, ModifiedAt: now}
	err = s.store.Update(ctx, func(tx storage.Tx) error { return insertPool(tx, row, signing) })
	if err != nil {
		return nil, err
	}
	return &wire.CreateUserPoolResponse{UserPool: poolShape(row, set, 0)}, nil
}

// idOfPool takes the id from the tag that pins it, or draws one. It looks
// whether a pinned id is free before the keys are made; insertPool decides.
func (s *Service) idOfPool(ctx context.Context, tags map[string]string) (string, error) {
	id, pinned := tags[tagging.CustomID]
	if !pinned {
		return pool.NewPoolID(s.region), nil
	}
	if !pool.IsPoolID(id) {
		return "", pool.Invalid("The tag %s must be a user pool id such as us-east-1_Example01: a region, one underscore and letters or digits, at most %d characters.", tagging.CustomID, pool.MaxPoolID)
	}
	err := s.store.View(ctx, func(tx storage.Tx) error {
		_, err := tx.Pools.Pool(id)
		return err
	})
	switch {
	case err == nil:
		return "", poolIDTaken(id)
	case errors.Is(err, storage.ErrNotFound):
		return id, nil
	}
	return "", err
}

// poolIDTaken is the answer to a pinned id that a pool has already: asking for
// it again must not lead to a second pool, nor to the first one in disguise.
func poolIDTaken(id string) error {
	return pool.Invalid("The user pool id %s of the tag %s is taken: a user pool with it exists already.", id, tagging.CustomID)
}

// insertPool writes a pool with its keys, both or neither: a pool without keys
// could not issue tokens.
func insertPool(tx storage.Tx, row storage.Pool, signing []storage.Key) error {
	err := tx.Pools.Insert(row)
	if errors.Is(err, storage.ErrExists) {
		return poolIDTaken(row.ID)
	}
	if err != nil {
		return err
	}
	for _, key := range signing {
		if err := tx.Keys.Insert(key); err != nil {
			return err
		}
	}
	return nil
}

// newPoolSettings are the settings of a new pool: what cannot change later, and
// what can.
func newPoolSettings(in *wire.CreateUserPoolRequest) (*pool.Settings, error) {
	if len(in.AliasAttributes) > 0 && len(in.UsernameAttributes) > 0 {
		return nil, pool.Invalid("Only one of the aliasAttributes or usernameAttributes can be set in a user pool.")
	}
	schema, err := pool.SchemaFrom(in.Schema)
	if err != nil {
		return nil, err
	}
	set := &pool.Settings{
		UserPoolType: wire.UserPoolType{
			SchemaAttributes: schema, AliasAttributes: in.AliasAttributes,
			UsernameAttributes: in.UsernameAttributes, UsernameConfiguration: in.UsernameConfiguration,
		},
		LegacyIssuers: map[string]string{},
	}
	set.UserPoolSettings, err = completePool(in.UserPoolSettings)
	return set, err
}

// completePool puts Cognito's defaults in the place of what a request leaves
// out (CreateUserPool), after checking what members say to each other.
func completePool(w wire.UserPoolSettings) (wire.UserPoolSettings, error) {
	days, err := temporaryDays(w)
	if err != nil {
		return w, err
	}
	if err := refuseUnsupported(w); err != nil {
		return w, err
	}
	if err := checkUpdateSettings(w); err != nil {
		return w, err
	}
	w.Policies = completePolicies(w.Policies, days)
	w.DeletionProtection = cmp.Or(w.DeletionProtection, wire.DeletionProtectionInactive)
	w.MfaConfiguration = cmp.Or(w.MfaConfiguration, wire.MFAOff)
	w.UserPoolTier = cmp.Or(w.UserPoolTier, "ESSENTIALS")
	if w.LambdaConfig == nil {
		w.LambdaConfig = &wire.LambdaConfigType{}
	}
	if w.EmailConfiguration == nil {
		w.EmailConfiguration = &wire.EmailConfigurationType{EmailSendingAccount: "COGNITO_DEFAULT"}
	}
	if w.VerificationMessageTemplate == nil {
		w.VerificationMessageTemplate = &wire.VerificationMessageTemplateType{DefaultEmailOption: "CONFIRM_WITH_CODE"}
	}
	admin := wire.AdminCreateUserConfigType{}
	if w.AdminCreateUserConfig != nil {
		admin = *w.AdminCreateUserConfig
	}
	admin.AllowAdminCreateUserOnly = new(pool.IsTrue(admin.AllowAdminCreateUserOnly))
	admin.UnusedAccountValidityDays = &days
	w.AdminCreateUserConfig = &admin
	return w, nil
}

// completePolicies fills in the password policy and the first factors.
func completePolicies(given *wire.UserPoolPolicyType, days int32) *wire.UserPoolPolicyType {
	p := wire.UserPoolPolicyType{}
	if given != nil {
		p = *given
	}
	rules := limits.Default()
	password := wire.PasswordPolicyType{
		RequireUppercase: rules.RequireUppercase, RequireLowercase: rules.RequireLowercase,
		RequireNumbers: rules.RequireNumbers, RequireSymbols: rules.RequireSymbols,
	}
	if p.PasswordPolicy != nil {
		password = *p.PasswordPolicy
	}
	if password.MinimumLength == nil {
		password.MinimumLength = new(int32(rules.MinimumLength))
	}
	password.TemporaryPasswordValidityDays = &days
	p.PasswordPolicy = &password
	if p.SignInPolicy == nil || len(p.SignInPolicy.AllowedFirstAuthFactors) == 0 {
		p.SignInPolicy = &wire.SignInPolicyType{AllowedFirstAuthFactors: []string{"PASSWORD"}}
	}
	return &p
}

// temporaryDays is how long temporary passwords last. Two members say it, the
// password policy and the older AdminCreateUserConfig; they must not disagree.
func temporaryDays(w wire.UserPoolSettings) (int32, error) {
	var newer, older *int32
	if w.Policies != nil && w.Policies.PasswordPolicy != nil {
		newer = w.Policies.PasswordPolicy.TemporaryPasswordValidityDays
	}
	if w.AdminCreateUserConfig != nil {
		older = w.AdminCreateUserConfig.UnusedAccountValidityDays
	}
	if newer != nil && older != nil && *newer != *older {
		return 0, pool.Invalid("Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays.")
	}
	if days := cmp.Or(newer, older); days != nil && *days > 0 {
		return *days, nil
	}
	return int32(limits.Default().TemporaryPasswordValidityDays), nil
}

// poolShape is a pool as answers show it.
func poolShape(row storage.Pool, set *pool.Settings, users int) *wire.UserPoolType {
	shape := set.UserPoolType
	shape.Id, shape.Name, shape.Arn = row.ID, row.Name, arnOf(row.ID)
	shape.CreationDate, shape.LastModifiedDate = wire.NewTime(row.CreatedAt), wire.NewTime(row.ModifiedAt)
	shape.EstimatedNumberOfUsers = int32(min(users, math.MaxInt32))
	return &shape
}

// DescribeUserPool shows a pool with all its settings.
func (s *Service) DescribeUserPool(ctx context.Context, in *wire.DescribeUserPoolRequest) (*wire.DescribeUserPoolResponse, error) {
	var shape *wire.UserPoolType
	err := s.store.View(ctx, func(tx storage.Tx) error {
		row, set, err := s.pools.LoadPool(tx, in.UserPoolId)
		if err != nil {
			return err
		}
		users, err := s.estimateUsers(tx, row.ID)
		if err != nil {
			return err
		}
		shape = poolShape(row, set, users)
		return showDomains(tx, shape)
	})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeUserPoolResponse{UserPool: shape}, nil
}

// ListUserPools lists the pools by id.
func (s *Service) ListUserPools(ctx context.Context, in *wire.ListUserPoolsRequest) (*wire.ListUserPoolsResponse, error) {
	p, err := s.lists.Page(in.NextToken, in.MaxResults, "ListUserPools")
	if err != nil {
		return nil, err
	}
	out := &wire.ListUserPoolsResponse{}
	err = s.store.View(ctx, func(tx storage.Tx) error {
		list, err := tx.Pools.List(p.After, p.Want())
		if err != nil {
			return err
		}
		list, out.NextToken = paging.Turn(p, list, func(p storage.Pool) string { return p.ID })
		for _, row := range list {
			set, err := s.pools.Decode(row)
			if err != nil {
				return err
			}
			out.UserPools = append(out.UserPools, wire.UserPoolDescriptionType{
				Id: row.ID, Name: row.Name, LambdaConfig: set.LambdaConfig,
				CreationDate: wire.NewTime(row.CreatedAt), LastModifiedDate: wire.NewTime(row.ModifiedAt),
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateUserPool replaces a pool's settings. What the request leaves out goes
// back to its default (API reference, UpdateUserPool), except the name, the tags,
// which separate operations set, and what only CreateUserPool sets: schema,
// aliases, username attributes and case sensitivity.
func (s *Service) UpdateUserPool(ctx context.Context, in *wire.UpdateUserPoolRequest) (*wire.UpdateUserPoolResponse, error) {
	complete, err := completePool(in.UserPoolSettings)
	if err != nil {
		return nil, err
	}
	if err := taggedPool(in.UserPoolId).CheckPinned(in.UserPoolTags); err != nil {
		return nil, err
	}
	err = s.store.Update(ctx, func(tx storage.Tx) error {
		row, set, err := s.pools.LoadPool(tx, in.UserPoolId)
		if err != nil {
			return err
		}
		changed := *set
		changed.UserPoolSettings = complete
		if in.UserPoolTags == nil {
			changed.UserPoolTags = set.UserPoolTags
		}
		if row.Settings, err = settings.Encode(&changed); err != nil {
			return err
		}
		row.Name = cmp.Or(in.PoolName, row.Name)
		row.ModifiedAt = s.pools.After(row.ModifiedAt)
		return tx.Pools.Update(row)
	})
	if err != nil {
		return nil, err
	}
	return &wire.UpdateUserPoolResponse{}, nil
}

// DeleteUserPool removes a pool with everything in it, unless it is protected.
func (s *Service) DeleteUserPool(ctx context.Context, in *wire.DeleteUserPoolRequest) (*wire.DeleteUserPoolResponse, error) {
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		row, set, err := s.pools.LoadPool(tx, in.UserPoolId)
		if err != nil {
			return err
		}
		if set.DeletionProtection == wire.DeletionProtectionActive {
			return pool.Invalid("The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first.")
		}
		domains, err := tx.Domains.List(row.ID)
		if err != nil {
			return err
		}
		if len(domains) > 0 {
			return pool.Invalid("User pool cannot be deleted. It has a domain configured that should be deleted first.")
		}
		return tx.Pools.Delete(row.ID)
	})
	if err != nil {
		return nil, err
	}
	s.pools.Forget(in.UserPoolId)
	s.keys.Forget(in.UserPoolId)
	return &wire.DeleteUserPoolResponse{}, nil
}

// checkUpdateSettings refuses a setting that could never be met: only a contact to which
// the pool sends codes can be verified before it counts.
func checkUpdateSettings(w wire.UserPoolSettings) error {
	if w.UserAttributeUpdateSettings == nil {
		return nil
	}
	for _, name := range w.UserAttributeUpdateSettings.AttributesRequireVerificationBeforeUpdate {
		if !slices.Contains(w.AutoVerifiedAttributes, name) {
			return pool.Invalid("AttributesRequireVerificationBeforeUpdate: %s must be in AutoVerifiedAttributes as well.", name)
		}
	}
	return nil
}
