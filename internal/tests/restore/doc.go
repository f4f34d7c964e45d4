// Package restore tests base backups, archiving and recovery from archives with whole servers on the file system in memory: there a cluster is copied in
// no time, so that one backup and its archive serve many restores, and recovery can be cut off at any call.
//
// The program's side (gompho backup, real commands, killed processes, the manual) is in package tests.
package restore
