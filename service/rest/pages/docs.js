// Opens Swagger UI on the document beside this page. Nothing is loaded from anywhere else.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true, tryItOutEnabled: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  defaultModelExpandDepth: 1,
  displayRequestDuration: true,
  validatorUrl: null,
});
