//! The data plane of Seawall: listeners, routes, proxying, reload and drain.
