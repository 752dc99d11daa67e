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

// tagOperations answers the operations of pools' tags.
type tagOperations struct{ pools *pools }

func (o *tagOperations) operations() map[string]wire.Handler {
	return map[string]wire.Handler{
		"TagResource":         wire.Handle(o.tag),
		"UntagResource":       wire.Handle(o.untag),
		"ListTagsForResource": wire.Handle(o.list),
	}
}

// tag adds tags to an identity pool, or changes them.
func (o *tagOperations) tag(ctx context.Context, in *wire.TagResourceRequest) (*wire.TagResourceResponse, error) {
	return &wire.TagResourceResponse{}, o.retag(ctx, in.ResourceArn, func(id string, tags map[string]string) (map[string]string, error) {
		return taggedPool(id).Add(tags, in.Tags)
	})
}

// untag removes tags. Removing one that does not exist changes nothing.
func (o *tagOperations) untag(ctx context.Context, in *wire.UntagResourceRequest) (*wire.UntagResourceResponse, error) {
	return &wire.UntagResourceResponse{}, o.retag(ctx, in.ResourceArn, func(_ string, tags map[string]string) (map[string]string, error) {
		return tagging.Remove(tags, in.TagKeys), nil
	})
}

func taggedPool(id string) tagging.Resource {
	return tagging.Resource{ID: id, Kind: "an identity pool"}
}

// retag replaces a pool's tags by what change makes of them.
func (o *tagOperations) retag(ctx context.Context, arn string, change func(id string, tags map[string]string) (map[string]string, error)) error {
	id, err := poolOfARN(arn)
	if err != nil {
		return err
	}
	return o.pools.change(ctx, id, func(_ *storage.IdentityPool, set *PoolSettings) (err error) {
		set.IdentityPoolTags, err = change(id, set.IdentityPoolTags)
		return err
	})
}

// list returns an identity pool's tags.
func (o *tagOperations) list(ctx context.Context, in *wire.ListTagsForResourceRequest) (*wire.ListTagsForResourceResponse, error) {
	id, err := poolOfARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	set, err := o.pools.settings(ctx, id)
	if err != nil {
		return nil, err
	}
	return &wire.ListTagsForResourceResponse{Tags: set.IdentityPoolTags}, nil
}
