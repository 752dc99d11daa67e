// Package localservice is the service of `latchkey up`: everything that one
// machine needs, in one data folder.
//
//	master.key            what seals the database; never leaves the folder
//	credentials.key       what makes the identity pool's credentials; for APIs that take them
//	latchkey.db           embedded SQLite
//	local.json            ids, the administrator's key and the demo user's password
//	running.json          where the service listened at its last start
//	tls/                  the local certificate authority and its certificate
//	amplify_outputs.json  the configuration for clients
//
// [Open] makes what is missing and keeps what is there, so that the same
// folder gives the same ids, users, keys and sessions again. [Service.Run]
// answers until its context ends.
package localservice
