import js from "@eslint/js";

const WIDTH = 120;

export default [
  { ignores: [".venv/", "dist/", "build/"] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "max-len": ["error", { code: WIDTH }],
      "max-lines": ["error", 250],
      "no-var": "error",
      "prefer-const": "error",
      strict: ["error", "global"],
      // tsc tells what is declared nowhere, the browser's own names and Plotly's included.
      "no-undef": "off",
    },
  },
  {
    files: ["diagnostics/dashboard/assets/**/*.js"],
    languageOptions: { sourceType: "script" },
    // Each is one name that the other scripts use.
    rules: { "no-unused-vars": ["error", { vars: "local" }] },
  },
  { files: ["tests/scripts/*.js"], languageOptions: { sourceType: "commonjs" } },
  { files: ["tests/browser/*.js"], languageOptions: { sourceType: "script" } },
];
