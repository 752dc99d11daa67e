// Package local starts `latchkey up` for tests: the command as users run it,
// in a process of its own, on free ports, with folders of its own.
//
// A test package calls [Main] from its TestMain and [Up] in its tests. The
// command is built once for each package, unless the environment variable
// LATCHKEY_COMMAND names one that is built already, as e2e/run does.
package local
