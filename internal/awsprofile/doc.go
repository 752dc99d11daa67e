// Package awsprofile writes profiles of the AWS command line tools and SDKs, whose
// credentials come from this program (credential_process).
//
// [Install] changes one section of the configuration file and leaves every other line as it
// is. It holds a lock between programs of this module, and repeats its work if another
// program changed the file in between. [CommandLine] is the line that all tools run alike.
// [Environment] removes what would have priority over the credentials of an environment.
package awsprofile
