#pragma once

namespace SQLite {
class Database;
}

namespace vidattn {

/// Makes the tables of a new store, where it has none yet.
void create_schema(SQLite::Database& database);

/// Throws InputError unless the database is a store of a version that this program reads. Returns
/// its version.
int require_format(SQLite::Database& database);

/// Throws InputError where cases have lost their run, or what belongs to a case has lost that: a
/// run would silently have fewer.
void require_whole(SQLite::Database& database);

/// Brings a store of an older version to this one, in one transaction.
void migrate(SQLite::Database& database);

}  // namespace vidattn
