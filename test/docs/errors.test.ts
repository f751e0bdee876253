import { expect, it } from 'vitest';
import { ERRORS } from '../../src/errors.ts';
import { RULES } from '../../src/machine/lint/rules.ts';

/** The page from the tables: `npx vitest run test/docs -u` writes it. */
function page(): string {
  const errors = Object.entries(ERRORS).map(
    ([code, { type, summary, remedy }]) =>
      `| \`${code}\` | \`${type}\` | ${cell(summary)} | ${cell(remedy)} |`,
  );
  const rules = RULES.map(
    ({ code, severity, summary, remedy }) =>
      `| \`${code}\` | ${severity} | ${cell(summary)} | ${cell(remedy)} |`,
  );
  return `<!-- Made from src/errors.ts and src/machine/lint/rules.ts: \`npx vitest run test/docs -u\`. Do not edit. -->
# Errors and findings

## Errors

Every error has a \`code\`, a type (its \`name\`, which \`on_error\` maps by and \`last_error_type\` holds), a message that names the thing, a \`remedy\`, and a \`cause\` where there is one. Errors of authors have a \`location\`.

| code | type | what it means | what to do |
|---|---|---|---|
${errors.join('\n')}

## Findings of \`flatmachine lint\`

All at once, sorted by place, as \`path:line:column  severity code  message  remedy\`. Errors keep a machine from running; warnings do not.

| code | severity | what it finds | what to do |
|---|---|---|---|
${rules.join('\n')}
`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

it('documents every error and every rule', async () => {
  await expect(page()).toMatchFileSnapshot('../../docs/errors.md');
});
