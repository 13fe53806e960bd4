import { randomFillSync } from 'node:crypto'

const ID_BYTES = 11
/** Random bytes are drawn for many ids at once: every message and post needs one. */
const pool = Buffer.alloc(ID_BYTES * 512)
let used = pool.length

/** APIGW-50: connection, request and message ids are 15 URL-safe base64 characters and `=`, so that missing URL encoding shows. */
export function newId(): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += ID_BYTES
  return `${pool.toString('base64url', used - ID_BYTES, used)}=`
}

/** MGMT-5: whether a connection id has the format that API Gateway gives out. */
export function isIdFormat(id: string): boolean {
  return /^[A-Za-z0-9_-]{15}=$/.test(id)
}
