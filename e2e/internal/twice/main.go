// Command twice prints the AWS access key id that aws-sdk-go-v2 finds by its default chain,
// now and after a pause, for tests of credentials that are renewed.
//
//	twice 10s
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
)

func main() {
	pause, err := time.ParseDuration(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for i := range 2 {
		if i > 0 {
			time.Sleep(pause)
		}
		credentials, err := cfg.Credentials.Retrieve(context.Background())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(credentials.AccessKeyID, credentials.Source)
	}
}
