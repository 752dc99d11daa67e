package admin

import (
	"context"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/tagging"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// arnOf is the ARN of a user pool.
func arnOf(poolID string) string {
	region, _, _ := strings.Cut(poolID, "_")
	return "arn:aws:cognito-idp:" + region + ":" + accountID + ":userpool/" + poolID
}

// poolOfARN reads the ARN of a user pool.
func poolOfARN(arn string) (string, error) {
	_, id, ok := strings.Cut(arn, ":userpool/")
	if !ok || arn != arnOf(id) {
		return "", pool.Invalid("Invalid ARN %q: it must be of the form %s.", arn, arnOf("us-east-1_Example01"))
	}
	return id, nil
}

// TagResource adds tags to a user pool, or changes them.
func (s *Service) TagResource(ctx context.Context, in *wire.TagUserPoolInput) (*wire.TagResourceResponse, error) {
	return &wire.TagResourceResponse{}, s.retag(ctx, in.ResourceArn, func(id string, tags map[string]string) (map[string]string, error) {
		return taggedPool(id).Add(tags, in.Tags)
	})
}

// UntagResource removes tags. Removing one that is not there changes nothing.
func (s *Service) UntagResource(ctx context.Context, in *wire.UntagUserPoolInput) (*wire.UntagResourceResponse, error) {
	return &wire.UntagResourceResponse{}, s.retag(ctx, in.ResourceArn, func(_ string, tags map[string]string) (map[string]string, error) {
		return tagging.Remove(tags, in.TagKeys), nil
	})
}

func taggedPool(id string) tagging.Resource { return tagging.Resource{ID: id, Kind: "a user pool"} }

// retag replaces a pool's tags by what change makes of them.
func (s *Service) retag(ctx context.Context, arn string, change func(id string, tags map[string]string) (map[string]string, error)) error {
	id, err := poolOfARN(arn)
	if err != nil {
		return err
	}
	return s.changePool(ctx, id, func(set *pool.Settings) (err error) {
		set.UserPoolTags, err = change(id, set.UserPoolTags)
		return err
	})
}

// ListTagsForResource shows a user pool's tags.
func (s *Service) ListTagsForResource(ctx context.Context, in *wire.ListTagsForUserPoolInput) (*wire.ListTagsForResourceResponse, error) {
	id, err := poolOfARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &wire.ListTagsForResourceResponse{}
	err = s.store.View(ctx, func(tx storage.Tx) error {
		_, set, err := s.pools.LoadPool(tx, id)
		if err == nil {
			out.Tags = set.UserPoolTags
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
