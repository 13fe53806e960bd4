import { PutCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { MAX_TOKEN_AGE_SECONDS } from '../core/auth/claims.ts'
import type { RevocationChecks, Revocations } from '../core/auth/ports.ts'
import type { ConnectionsTable } from './connection-row.ts'
import { batchGet } from './dynamo-client.ts'
import { bumpVersion, type SubscriptionTables } from './dynamo-subscriptions.ts'
import { REVOKED } from './subscription-keys.ts'

/** Longer than any token lives, so that a revocation never runs out before what it revokes. */
const REVOCATION_SECONDS = MAX_TOKEN_AGE_SECONDS + 3_600

const userKey = (issuer: string, user: string) => ({ pk: `revoked#${issuer}`, sk: `user#${user}` })
const tokenKey = (issuer: string, tokenId: string) => ({
  pk: `revoked#${issuer}`,
  sk: `jti#${tokenId}`,
})

/** Revocations in the Connections table: by issuer and user or token id, never by a hash of the token (TOKEN-24). */
export function dynamoRevocationChecks({ client, table }: ConnectionsTable): RevocationChecks {
  return {
    async isRevoked({ issuer, user, tokenId, issuedAt }) {
      const keys = [userKey(issuer, user), ...(tokenId ? [tokenKey(issuer, tokenId)] : [])]
      const rows = await batchGet<RevocationRow>(client, table, keys)
      return rows.some((row) => isHit(row, issuedAt))
    },
  }
}

/** The same with the right to revoke; `deliver` is told to read the revocations again. */
export function dynamoRevocations(
  client: DynamoDBDocumentClient,
  tables: SubscriptionTables,
): Revocations {
  const table = tables.connectionsTable
  const put = async (key: { pk: string; sk: string }, atMs: number): Promise<void> => {
    const ttl = Math.ceil(atMs / 1_000) + REVOCATION_SECONDS
    await client.send(new PutCommand({ TableName: table, Item: { ...key, revokedAt: atMs, ttl } }))
    await bumpVersion(client, tables.subscriptionsTable, REVOKED)
  }
  return {
    ...dynamoRevocationChecks({ client, table }),
    revokeUser: (issuer, user, atMs) => put(userKey(issuer, user), atMs),
    revokeToken: (issuer, tokenId, atMs) => put(tokenKey(issuer, tokenId), atMs),
  }
}

interface RevocationRow {
  readonly sk: string
  readonly revokedAt: number
}

/** A token's revocation is final; a user's ends the tokens issued up to then (`iat` has whole seconds: the same second counts). */
const isHit = (row: RevocationRow, issuedAt: number): boolean =>
  row.sk.startsWith('jti#') || issuedAt * 1_000 <= row.revokedAt
