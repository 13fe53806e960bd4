import { Stack } from 'aws-cdk-lib'
import type { Construct } from 'constructs'

/** A name for what AWS keeps once for all regions of an account (CloudFront, CloudWatch dashboards): the stack may be in several of them. */
export function nameInAccount(scope: Construct): string {
  const { stackName, region } = Stack.of(scope)
  return `${stackName}-${region}`
}
