import { AwsError } from '../../platform/errors.ts'

/** AWS::Lambda::Permission: who may invoke a function besides its account's principals. */
export interface Permissions {
  add(
    logicalId: string,
    permission: {
      readonly functionName: string
      readonly principal: string
      readonly sourceArn: string | undefined
    },
  ): void
  remove(logicalId: string): void
  /** The function's resource policy as `GetPolicy` shows it; undefined when nothing was added. */
  policyOf(functionName: string, functionArn: string): object | undefined
  /** CFN-9: throws AwsError `AccessDeniedException` when no statement lets `service` invoke the function for `sourceArn`. */
  check(
    functionName: string,
    invokedBy: { readonly service: string; readonly sourceArn: string },
  ): void
}

export function createPermissions(): Permissions {
  const statements = new Map<
    string,
    {
      readonly functionName: string
      readonly principal: string
      readonly sourceArn: RegExp | undefined
      readonly givenSourceArn: string | undefined
    }
  >()
  return {
    add(logicalId, permission) {
      const { sourceArn } = permission
      statements.set(logicalId, {
        ...permission,
        givenSourceArn: sourceArn,
        sourceArn: sourceArn === undefined ? undefined : arnPattern(sourceArn),
      })
    },
    remove: (logicalId) => statements.delete(logicalId),
    policyOf(functionName, functionArn) {
      const own = [...statements].filter(([, statement]) => statement.functionName === functionName)
      if (own.length === 0) return undefined
      return {
        Version: '2012-10-17',
        Id: 'default',
        Statement: own.map(([Sid, { principal, givenSourceArn }]) => ({
          Sid,
          Effect: 'Allow',
          Principal: { Service: principal },
          Action: 'lambda:InvokeFunction',
          Resource: functionArn,
          ...(givenSourceArn !== undefined && {
            Condition: { ArnLike: { 'AWS:SourceArn': givenSourceArn } },
          }),
        })),
      }
    },
    check(functionName, { service, sourceArn }) {
      for (const statement of statements.values()) {
        if (
          statement.functionName === functionName &&
          statement.principal === service &&
          (statement.sourceArn?.test(sourceArn) ?? true)
        )
          return
      }
      throw new AwsError(
        'AccessDeniedException',
        `${service} may not invoke ${functionName} for ${sourceArn}: no AWS::Lambda::Permission allows it`,
        { status: 403 },
      )
    },
  }
}

/** ArnLike: `*` any characters, `?` one. */
function arnPattern(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`)
}
