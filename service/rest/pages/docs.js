// Opens Swagger UI on the document beside this page. Nothing is loaded from anywhere else.
function withoutEmptyFields(request) {
  // Swagger UI sends the empty fields of a form; who leaves a field empty does not mean to search for nothing.
  const type = (request.headers || {})["Content-Type"] || "";
  if (type.startsWith("application/x-www-form-urlencoded") && typeof request.body === "string") {
    const fields = [...new URLSearchParams(request.body)].filter(([, value]) => value !== "");
    request.body = new URLSearchParams(fields).toString();
  }
  return request;
}

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  defaultModelExpandDepth: 1,
  displayRequestDuration: true,
  requestInterceptor: withoutEmptyFields,
  validatorUrl: null,
});
