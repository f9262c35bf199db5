//! Endpoints of Seawall: connection pools, dialling and active health checks.
