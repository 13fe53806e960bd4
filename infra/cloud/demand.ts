import { Stack } from 'aws-cdk-lib'
import { env } from '../../backend/src/contract.ts'
import type { Config } from './config.ts'
import type { Environment } from './environment.ts'
import type { ServiceFunction } from './service-function.ts'

/** The variable that says whether devices are told how many watch them. */
export function demandEnvironment({ demandMessages }: Config): Environment {
  return { [env.demandMessages]: demandMessages ? 'on' : 'off' }
}

/** Lets a function tell devices, when that is wanted, and nothing else on their topics. */
export function grantDemand(target: ServiceFunction, { demandMessages }: Config): void {
  if (!demandMessages) return
  const { partition, region, account } = Stack.of(target)
  target.allow(
    ['iot:Publish', 'iot:RetainPublish'],
    [`arn:${partition}:iot:${region}:${account}:topic/cmd/*/*/demand`],
  )
}
