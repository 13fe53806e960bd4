import { randomBytes } from 'node:crypto'

/** W50: connection, request and message ids are 15 URL-safe base64 characters and `=`, so that missing URL encoding shows. */
export function newId(): string {
  return `${randomBytes(11).toString('base64url')}=`
}

/** M5: whether a connection id has the format that API Gateway gives out. */
export function isIdFormat(id: string): boolean {
  return /^[A-Za-z0-9_-]{15}=$/.test(id)
}
