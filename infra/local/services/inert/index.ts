import { isObject } from '../../platform/fields.ts'
import { physicalName } from '../../platform/naming.ts'
import type { Account, ResourceProvider, ResourceService } from '../../platform/types.ts'

/** Resource types without an effect on one machine, each with its reason. */
const inertTypes: Readonly<Record<string, ResourceProvider['properties']>> = {
  // The CDK's own usage statistics.
  'AWS::CDK::Metadata': { Analytics: 'inert' },
  // Nothing costs money here.
  'AWS::Budgets::Budget': { Budget: 'inert', NotificationsWithSubscribers: 'inert' },
}

/** Accepts resources that are meant to do nothing on one machine, so that everything else can be refused by name. */
export function createInert(options: { readonly account: Account }): ResourceService {
  return {
    name: 'inert',
    providers: Object.entries(inertTypes).map(([type, properties]) => ({
      type,
      properties,
      create: ({ logicalId, properties: given }) => ({
        ref: budgetName(given) ?? physicalName(options.account.stackName, logicalId),
      }),
    })),
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
  }
}

/** CFN-21: Ref of a budget is its name. */
function budgetName(properties: Readonly<Record<string, unknown>>): string | undefined {
  const budget = properties['Budget']
  const name = isObject(budget) ? budget['BudgetName'] : undefined
  return typeof name === 'string' ? name : undefined
}
