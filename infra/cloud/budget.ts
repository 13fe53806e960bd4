import { CfnBudget } from 'aws-cdk-lib/aws-budgets'
import type { Construct } from 'constructs'
import type { Config } from './config.ts'
import { nameInAccount } from './name-in-account.ts'

/** When the mail is sent: what was spent, and what the month will come to at this rate, as percent of the budget. */
const WARNINGS = [
  { notificationType: 'ACTUAL', threshold: 80 },
  { notificationType: 'FORECASTED', threshold: 100 },
] as const

/**
 * A monthly budget of the whole account that writes to the alarm address; AWS Budgets sees a cost up to a day late, so it ends no runaway by itself:
 * what stops one are the throttles of the API and the caps of each connection. Two budgets of an account cost nothing.
 */
export function addBudget(owner: Construct, { monthlyBudgetUsd, alarmEmail }: Config): void {
  if (monthlyBudgetUsd === undefined || alarmEmail === undefined) return
  new CfnBudget(owner, 'Budget', {
    budget: {
      budgetName: nameInAccount(owner),
      budgetType: 'COST',
      timeUnit: 'MONTHLY',
      budgetLimit: { amount: monthlyBudgetUsd, unit: 'USD' },
    },
    notificationsWithSubscribers: WARNINGS.map((warning) => ({
      notification: {
        ...warning,
        comparisonOperator: 'GREATER_THAN',
        thresholdType: 'PERCENTAGE',
      },
      subscribers: [{ subscriptionType: 'EMAIL', address: alarmEmail }],
    })),
  })
}
