//! The catalog's description of a relation, for [`user_metrics_core::source`].
//!
//! A relation must not change between its description and the query that reads it: otherwise its owner could replace a
//! built-in type by a type of their own, and with it a cast that runs code as the caller. So the relation is locked as by
//! SELECT until the end of the transaction, and described from the relation cache, which is up to date under the lock. A
//! lock does not keep the schema from being renamed. If anybody but a superuser or the caller could do that, the query
//! states the types that were seen, and fails at parsing if they differ.
#![allow(unsafe_code)]

use crate::arguments::{RelationOid, ServerText};
use crate::encoding;
use crate::error::{self, refused};
use pgrx::prelude::*;
use std::ffi::{CStr, c_char};
use user_metrics_core::source::{Column, Relation};

/// Oids of built-in types are smaller.
const FIRST_FOREIGN_OID: u32 = 16384;

/// The relation as JSON.
#[pg_extern(stable, parallel_restricted)]
fn relation(source: Option<RelationOid>) -> error::Result<ServerText> {
    encoding::with_messages(|| of(source.map(|source| source.0)))
        .and_then(|relation| ServerText::of(&relation.to_json()).map_err(refused("relation")))
}

/// A relation named by an argument, locked as by SELECT.
pub fn of(source: Option<pg_sys::Oid>) -> error::Result<Relation> {
    let refused =
        |code, message: String| error::report(code, message, "Name a table or view, such as 'public.request_log'.");
    let Some(source) = source else {
        let message = "source cannot be NULL".to_owned();
        return Err(refused(PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED, message));
    };
    let missing = || format!("source {} does not exist", u32::from(source));
    describe(source).ok_or_else(|| refused(PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE, missing()))
}

fn describe(source: pg_sys::Oid) -> Option<Relation> {
    // SAFETY: the calls are those that PostgreSQL's own code makes for a relation it is about to read; an error in one of
    // them ends the transaction. What is read of the relation is copied before it is closed.
    unsafe {
        allow_reading(source)?;
        let relation = pg_sys::try_relation_open(source, pg_sys::AccessShareLock as pg_sys::LOCKMODE);
        let class = relation.as_ref()?.rd_rel.as_ref()?;
        let schema = class.relnamespace;
        let name =
            text(pg_sys::quote_qualified_identifier(pg_sys::get_namespace_name(schema), class.relname.data.as_ptr()));
        let attributes = pgrx::PgTupleDesc::from_pg_unchecked((*relation).rd_att);
        let columns = attributes.iter().filter(|attribute| !attribute.attisdropped).map(|attribute| column(attribute));
        let described = Relation {
            shown: name.clone(),
            name,
            kind: char::from(class.relkind as u8).to_string(),
            columns: columns.collect(),
            may_be_another: may_be_renamed(schema),
        };
        // The lock is kept.
        pg_sys::relation_close(relation, pg_sys::NoLock as pg_sys::LOCKMODE);
        Some(described)
    }
}

/// Raises an error, as SELECT would, for a caller who may not read any column of a relation: such callers must not lock it
/// either.
unsafe fn allow_reading(source: pg_sys::Oid) -> Option<()> {
    // SAFETY: asks the catalogue.
    unsafe {
        let (user, mut is_missing) = (pg_sys::GetUserId(), false);
        let of_all =
            pg_sys::pg_class_aclcheck_ext(source, user, pg_sys::ACL_SELECT as pg_sys::AclMode, &mut is_missing);
        if is_missing {
            return None;
        }
        let one = pg_sys::AclMaskHow::ACLMASK_ANY;
        if of_all != pg_sys::AclResult::ACLCHECK_OK
            && pg_sys::pg_attribute_aclcheck_all(source, user, pg_sys::ACL_SELECT as pg_sys::AclMode, one)
                != pg_sys::AclResult::ACLCHECK_OK
        {
            let kind = pg_sys::get_relkind_objtype(pg_sys::get_rel_relkind(source));
            pg_sys::aclcheck_error(of_all, kind, pg_sys::get_rel_name(source));
        }
        let schema = pg_sys::get_rel_namespace(source);
        let privilege = "USAGE".into_datum();
        let has_usage =
            pgrx::direct_function_call::<bool>(pg_sys::has_schema_privilege_id, &[Some(schema.into()), privilege]);
        if has_usage == Some(false) {
            let (kind, name) = (pg_sys::ObjectType::OBJECT_SCHEMA, pg_sys::get_namespace_name(schema));
            pg_sys::aclcheck_error(pg_sys::AclResult::ACLCHECK_NO_PRIV, kind, name);
        }
        Some(())
    }
}

unsafe fn column(attribute: &pg_sys::FormData_pg_attribute) -> Column {
    // SAFETY: asks the catalogue about types and collations that a column of a locked relation has.
    unsafe {
        let base = pg_sys::getBaseType(attribute.atttypid);
        Column {
            name: text(attribute.attname.data.as_ptr()),
            base: type_of_our_own(base),
            domain: base != attribute.atttypid,
            shown: text(pg_sys::format_type_with_typemod(attribute.atttypid, attribute.atttypmod)),
        }
    }
}

/// The name of a type if it is built in. A name alone is no proof, since any user may create a type "timestamptz".
unsafe fn type_of_our_own(of: pg_sys::Oid) -> Option<String> {
    if u32::from(of) >= FIRST_FOREIGN_OID {
        return None;
    }
    // SAFETY: the row of a type is read while it is held.
    unsafe {
        let row = pg_sys::SearchSysCache1(pg_sys::SysCacheIdentifier::TYPEOID as i32, pg_sys::Datum::from(of));
        let form = (!row.is_null()).then(|| &*pg_sys::GETSTRUCT(row).cast::<pg_sys::FormData_pg_type>())?;
        let name = text(form.typname.data.as_ptr());
        let ours = form.typnamespace == pg_sys::Oid::from(pg_sys::PG_CATALOG_NAMESPACE);
        pg_sys::ReleaseSysCache(row);
        ours.then_some(name)
    }
}

/// Whether a role other than a superuser or the caller could rename a schema.
unsafe fn may_be_renamed(schema: pg_sys::Oid) -> bool {
    // SAFETY: the row of the schema is read while it is held.
    let owner = unsafe {
        let key = pg_sys::Datum::from(schema);
        let row = pg_sys::SearchSysCache1(pg_sys::SysCacheIdentifier::NAMESPACEOID as i32, key);
        if row.is_null() {
            return true;
        }
        let owner = (*pg_sys::GETSTRUCT(row).cast::<pg_sys::FormData_pg_namespace>()).nspowner;
        pg_sys::ReleaseSysCache(row);
        match u32::from(owner) {
            pg_sys::ROLE_PG_DATABASE_OWNER => owner_of_database(),
            _ => Some(owner),
        }
    };
    // SAFETY: asks the catalogue.
    owner.is_none_or(|owner| unsafe { !pg_sys::superuser_arg(owner) && owner != pg_sys::GetUserId() })
}

unsafe fn owner_of_database() -> Option<pg_sys::Oid> {
    // SAFETY: the row of the database is read while it is held.
    unsafe {
        let key = pg_sys::Datum::from(pg_sys::MyDatabaseId);
        let row = pg_sys::SearchSysCache1(pg_sys::SysCacheIdentifier::DATABASEOID as i32, key);
        let form = (!row.is_null()).then(|| &*pg_sys::GETSTRUCT(row).cast::<pg_sys::FormData_pg_database>())?;
        let owner = form.datdba;
        pg_sys::ReleaseSysCache(row);
        Some(owner)
    }
}

/// A name from a catalog, copied.
unsafe fn text(name: *const c_char) -> String {
    // SAFETY: names end with a zero.
    encoding::decoded(unsafe { CStr::from_ptr(name) }.to_bytes()).into_owned()
}
