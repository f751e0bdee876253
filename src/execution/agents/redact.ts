/** Longest text of a provider that a message keeps, in UTF-16 units. */
const MAX_MESSAGE = 1000;

/** Keys shorter than this are not looked for: they would be found in ordinary words. */
const MIN_SECRET = 6;

/** What looks like a credential, whoever sent it back. */
const CREDENTIAL = /\b(?:Bearer\s+[\w.~+/-]{8,}=*|(?:sk|pk|gsk|csk|xai)[-_][\w-]{8,}|AIza[\w-]{20,})/g;

/** A text without these secrets. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) {
    if (secret.length >= MIN_SECRET) clean = clean.replaceAll(secret, '[redacted]');
  }
  return clean;
}

/** Text of a provider as it may appear in messages and stores: bounded, without the secrets and without what looks like one. */
export function redact(text: string, secrets: readonly string[] = []): string {
  const clean = withoutSecrets(text, secrets).replace(CREDENTIAL, '[redacted]');
  return clean.length > MAX_MESSAGE ? `${clean.slice(0, MAX_MESSAGE)}…` : clean;
}
