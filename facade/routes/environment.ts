/** What `${NAME}` is replaced from. */
export type Variables = Readonly<Record<string, string | undefined>>;

type Replaced =
  | { readonly text: string }
  | { readonly code: string; readonly message: string; readonly hint: string };

const variable = /\$(\$\{)|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|[^}]*\}?)/g;

/**
 * Replaces `${NAME}` and `${NAME:-default}` in a value; `$${` stands for a plain `${`. As in a shell, a default
 * also takes the place of an empty variable. Undefined: there is nothing to replace.
 */
export function substitute(text: string, variables: Variables): Replaced | undefined {
  if (!text.includes('${')) return undefined;
  let failed: Replaced | undefined;
  const replaced = text.replace(variable, (whole, escaped?: string, name?: string, fallback?: string) => {
    if (escaped !== undefined) return escaped;
    if (name === undefined) {
      failed ??= {
        code: 'bad_variable',
        message: `"${whole}" is not a variable.`,
        hint: `Write \${NAME} or \${NAME:-default}; a plain "\${" is written "$\${".`,
      };
      return '';
    }
    const value = variables[name];
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
    if (value !== undefined) return value;
    failed ??= {
      code: 'variable_not_set',
      message: `The environment variable ${name} is not set.`,
      hint: `Set it, or write a default: "\${${name}:-…}".`,
    };
    return '';
  });
  return failed ?? { text: replaced };
}
