package identitypool

import (
	"context"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/tagging"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// poolOfARN reads the ARN of an identity pool.
func poolOfARN(arn string) (string, error) {
	_, id, ok := strings.Cut(arn, ":identitypool/")
	if !ok || arn != arnOf(id) {
		return "", invalid("Invalid ARN %q: it must be of the form %s.", arn, arnOf("us-east-1:00000000-0000-4000-8000-000000000000"))
	}
	return id, nil
}

// TagResource adds tags to an identity pool, or changes them.
func (s *Service) TagResource(ctx context.Context, in *wire.TagResourceRequest) (*wire.TagResourceResponse, error) {
	return &wire.TagResourceResponse{}, s.retag(ctx, in.ResourceArn, func(id string, tags map[string]string) (map[string]string, error) {
		return taggedPool(id).Add(tags, in.Tags)
	})
}

// UntagResource removes tags. Removing one that is not there changes nothing.
func (s *Service) UntagResource(ctx context.Context, in *wire.UntagResourceRequest) (*wire.UntagResourceResponse, error) {
	return &wire.UntagResourceResponse{}, s.retag(ctx, in.ResourceArn, func(_ string, tags map[string]string) (map[string]string, error) {
		return tagging.Remove(tags, in.TagKeys), nil
	})
}

func taggedPool(id string) tagging.Resource {
	return tagging.Resource{ID: id, Kind: "an identity pool"}
}

// retag replaces a pool's tags by what change makes of them.
func (s *Service) retag(ctx context.Context, arn string, change func(id string, tags map[string]string) (map[string]string, error)) error {
	id, err := poolOfARN(arn)
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx storage.Tx) error {
		return s.changePool(tx, id, func(_ *storage.IdentityPool, set *PoolSettings) (err error) {
			set.IdentityPoolTags, err = change(id, set.IdentityPoolTags)
			return err
		})
	})
}

// ListTagsForResource shows an identity pool's tags.
func (s *Service) ListTagsForResource(ctx context.Context, in *wire.ListTagsForResourceRequest) (*wire.ListTagsForResourceResponse, error) {
	id, err := poolOfARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &wire.ListTagsForResourceResponse{}
	err = s.store.View(ctx, func(tx storage.Tx) error {
		_, set, err := s.loadPool(tx, id)
		if err == nil {
			out.Tags = set.IdentityPoolTags
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
