// Package amplifyconfig reads the configuration files that Amplify writes for its
// clients: amplify_outputs.json of Gen 2, and aws-exports.js or
// amplifyconfiguration.json of Gen 1.
//
// [Parse] finds the JSON object in the file (object.go), decides by its members which
// generation it is, as Amplify does, and reads it (gen1.go, gen2.go) into a [File] that
// is the same for both. Values are read token by token (members.go) and not through
// struct tags: every start of the command reads a configuration file, and preparing
// the reflection for it took ten times as long as reading the file.
package amplifyconfig
