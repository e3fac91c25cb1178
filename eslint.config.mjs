// Checks of the add-ons' JavaScript. Odoo serves it to browsers as modules.
import js from "@eslint/js";

const browser = [
    "clearTimeout",
    "console",
    "document",
    "fetch",
    "odoo",
    "setTimeout",
    "URL",
    "URLSearchParams",
    "window",
];

export default [
    {
        files: ["custom_crm*/static/**/*.js"],
        languageOptions: {
            ecmaVersion: 2022,
            sourceType: "module",
            globals: Object.fromEntries(browser.map((name) => [name, "readonly"])),
        },
        linterOptions: {reportUnusedDisableDirectives: "error"},
        rules: {
            ...js.configs.recommended.rules,
            curly: "error",
            eqeqeq: "error",
            "no-console": "error",
            "no-shadow": "error",
            "no-var": "error",
            "object-shorthand": "error",
            "prefer-const": "error",
            "prefer-template": "error",
        },
    },
];
