//! Declaration of C functions that PostgreSQL calls directly, without pgrx in between.

/// Declares C functions: a symbol, the symbol of its `pg_finfo` record, and the function behind it.
#[macro_export]
macro_rules! c_functions {
    ($($symbol:ident, $finfo:ident: $function:path $(, &$constant:path)? $(, $argument:path)*;)*) => {$(
        // SAFETY: the name is this library's own; PostgreSQL calls it as a function of version 1.
        #[unsafe(no_mangle)]
        #[pgrx::pg_guard]
        #[allow(unsafe_op_in_unsafe_fn)]
        unsafe extern "C-unwind" fn $symbol(fcinfo: pgrx::pg_sys::FunctionCallInfo) -> pgrx::pg_sys::Datum {
            // SAFETY: fcinfo is the one of this call, and what it points to is there as long as it lasts.
            $function(fcinfo $(, &$constant)? $(, $argument)*)
        }

        // SAFETY: as above; PostgreSQL asks it which version the function is.
        #[unsafe(no_mangle)]
        extern "C" fn $finfo() -> *const pgrx::pg_sys::Pg_finfo_record {
            const VERSION: pgrx::pg_sys::Pg_finfo_record = pgrx::pg_sys::Pg_finfo_record { api_version: 1 };
            &VERSION
        }
    )*};
}
