"use strict";

const MUTATING = new Set(["POST", "PUT", "PATCH", "DELETE"]);

// The session cookie is out of a script's sight, so the server is asked whether there is one.
async function withCsrfToken(request) {
  const method = (request.method || "GET").toUpperCase();
  if (!MUTATING.has(method) || "X-API-Key" in request.headers) {
    return request;
  }
  const answer = await fetch("/api/v1/auth/csrf");
  if (answer.ok) {
    request.headers["X-CSRF-Token"] = (await answer.json()).token;
  }
  return request;
}

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#page",
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  validatorUrl: null,
  deepLinking: true,
  filter: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  supportedSubmitMethods: ["get", "put", "post", "delete", "options", "head", "patch", "trace"],
  requestInterceptor: withCsrfToken,
});
