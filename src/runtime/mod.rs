//! Clock, shutdown, HTTP server, metrics, telemetry.
