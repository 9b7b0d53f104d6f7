//! Statuses of HTTP that the configuration turns into errors and disconnects: `http.status_to_code_transforms`.
