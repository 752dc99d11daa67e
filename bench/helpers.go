package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/bench/measure"
)

// credentialPeers are programs that hand cached AWS credentials to others, as
// `latchkey credentials` does: aws-vault from its file backend, and saml2aws from the
// credentials file. They are built from the sources that helpers/go.mod pins. One
// that cannot be built is said to be missing, and nothing is claimed about it.
func (w *workshop) credentialPeers() ([]measure.Contestant, []string) {
	var peers []measure.Contestant
	var missing []string
	for _, prepare := range []func() (measure.Contestant, error){w.awsVault, w.saml2aws} {
		peer, err := prepare()
		if err != nil {
			missing = append(missing, strings.ReplaceAll(err.Error(), "\n", " "))
			continue
		}
		peers = append(peers, peer)
	}
	return peers, missing
}

// helper is a contestant that runs a command until it fails, which it must not.
func helper(name string, env []string, binary string, args ...string) (measure.Contestant, error) {
	run := func() error {
		command := exec.Command(binary, args...)
		command.Env = env
		out, err := command.Output()
		if err == nil && !strings.Contains(string(out), "AccessKeyId") {
			err = fmt.Errorf("it printed %d bytes without a key", len(out))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}
	return measure.Contestant{Name: name, Wall: true, Op: func(n int) {
		for range n {
			if err := run(); err != nil {
				panic(err) // it worked a moment ago
			}
		}
	}}, run()
}

// awsVault keeps one static key in an encrypted file.
func (w *workshop) awsVault() (measure.Contestant, error) {
	binary, err := w.build("aws-vault", "helpers", "github.com/99designs/aws-vault/v7")
	if err != nil {
		return measure.Contestant{}, err
	}
	env := w.environment("AWS_VAULT_BACKEND=file", "AWS_VAULT_FILE_DIR="+filepath.Join(w.dir, "vault"), "AWS_VAULT_FILE_PASSPHRASE=bench",
		"AWS_CONFIG_FILE="+filepath.Join(w.dir, "vault-config"))
	add := exec.Command(binary, "add", "--env", "bench")
	add.Env = append(env, "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
	if out, err := add.CombinedOutput(); err != nil {
		return measure.Contestant{}, fmt.Errorf("aws-vault add: %w: %s", err, out)
	}
	return helper("aws-vault export", env, binary, "export", "--no-session", "--format=json", "bench")
}

// saml2aws keeps what it was given last in the AWS credentials file.
func (w *workshop) saml2aws() (measure.Contestant, error) {
	binary, err := w.build("saml2aws", "helpers", "github.com/versent/saml2aws/v2/cmd/saml2aws")
	if err != nil {
		return measure.Contestant{}, err
	}
	kept, config := filepath.Join(w.dir, "saml-credentials"), filepath.Join(w.dir, "saml2aws")
	credentials := "[saml]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n" +
		"aws_session_token = token\naws_security_token = token\nx_principal_arn = arn:aws:sts::123456789012:assumed-role/r/s\n" +
		"x_security_token_expires = " + time.Now().Add(time.Hour).Format(time.RFC3339) + "\n"
	account := "[default]\nname = default\nurl = https://id.example.com/saml\nusername = bench\nprovider = KeyCloak\nmfa = Auto\n" +
		"skip_verify = false\ntimeout = 0\naws_urn = urn:amazon:webservices\naws_session_duration = 3600\naws_profile = saml\n" +
		"saml_cache = false\ncredentials_file = " + kept + "\n"
	for path, text := range map[string]string{kept: credentials, config: account} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return measure.Contestant{}, err
		}
	}
	env := w.environment("AWS_SHARED_CREDENTIALS_FILE=" + kept)
	return helper("saml2aws --credential-process", env, binary, "--config", config, "login", "--credential-process", "--skip-prompt", "--credentials-file", kept)
}
