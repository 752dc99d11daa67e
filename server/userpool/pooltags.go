package userpool

import (
	"context"
	"maps"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// maxTags is how many tags a resource may have (AWS general reference).
const maxTags = 50

// arnOf is the ARN of a user pool.
func arnOf(poolID string) string {
	region, _, _ := strings.Cut(poolID, "_")
	return "arn:aws:cognito-idp:" + region + ":" + accountID + ":userpool/" + poolID
}

// poolOfARN reads the ARN of a user pool.
func poolOfARN(arn string) (string, error) {
	_, id, ok := strings.Cut(arn, ":userpool/")
	if !ok || arn != arnOf(id) {
		return "", invalid("Invalid ARN %q: it must be of the form %s.", arn, arnOf("us-east-1_Example01"))
	}
	return id, nil
}

// TagResource adds tags to a user pool, or changes them.
func (s *Service) TagResource(ctx context.Context, in *wire.TagUserPoolInput) (*wire.TagResourceResponse, error) {
	return &wire.TagResourceResponse{}, s.retag(ctx, in.ResourceArn, func(id string, tags map[string]string) error {
		if pinned, ok := in.Tags[customIDTag]; ok && pinned != id {
			return invalid("The tag %s cannot be changed: a user pool keeps its id.", customIDTag)
		}
		maps.Copy(tags, in.Tags)
		if len(tags) > maxTags {
			return invalid("A user pool can have %d tags; these would be %d.", maxTags, len(tags))
		}
		return nil
	})
}

// UntagResource removes tags. Removing one that is not there changes nothing.
func (s *Service) UntagResource(ctx context.Context, in *wire.UntagUserPoolInput) (*wire.UntagResourceResponse, error) {
	return &wire.UntagResourceResponse{}, s.retag(ctx, in.ResourceArn, func(_ string, tags map[string]string) error {
		for _, name := range in.TagKeys {
			delete(tags, name)
		}
		return nil
	})
}

// retag has change edit a copy of a pool's tags.
func (s *Service) retag(ctx context.Context, arn string, change func(id string, tags map[string]string) error) error {
	id, err := poolOfARN(arn)
	if err != nil {
		return err
	}
	return s.changePool(ctx, id, func(set *PoolSettings) error {
		tags := maps.Clone(set.UserPoolTags)
		if tags == nil {
			tags = map[string]string{}
		}
		set.UserPoolTags = tags
		return change(id, tags)
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
		_, set, err := s.loadPool(tx, id)
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
