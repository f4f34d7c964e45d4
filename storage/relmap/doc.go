// Package relmap knows in which files the catalogs of each database are, which no catalog could tell before it is found itself.
//
// Layer: above mvcc and storage/smgr, below catalog.
//
// Rules:
//
//  1. A catalog, or an index or toast table of one, is in the file that is named by its Oid until VACUUM FULL, CLUSTER or REINDEX gives it
//     another. The map lists those that are elsewhere: pg_filenode.map in the directory of each database, and in global for the shared ones.
//     A directory without the file has nothing to list.
//  2. The record of a commit carries the new files (mvcc.Session.MapFile). After it is durable, and before a checkpoint can begin behind it, Apply replaces
//     the file of the map; redo applies the record again. So the files of the map are as new as any checkpoint, and the log knows the rest.
//  3. CREATE DATABASE copies the map with the files and logs all of it (wal.RelMapUpdate), because redo may find an older or a newer one.
//  4. Who reads the map, or uses what it has said, holds a lock on the relation, or on the table that it belongs to; who changes it holds AccessExclusive. Changed
//     tells whether a row's address that was read earlier can still be used.
//  5. A damaged file of the map is an error for every session of the database: XX001.
//
// Differences from PostgreSQL: there the map has the shared catalogs, pg_class, pg_attribute, pg_proc and pg_type, and a fixed size; here it has every
// catalog whose file is not named by its Oid, and what it says counts, not pg_class.relfilenode, which is kept in step where PostgreSQL has it.
//
// To debug: pg_relation_filenode(), gompho wal dump --rmgr RelMap, and the rels in COMMIT records.
package relmap
