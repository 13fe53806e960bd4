import { styleOf, type NumberStyle } from '../format/numbers.ts'
import { metricLook, type MetricLook } from '../format/metric-look.ts'
import type { DeviceFeed } from '../stream/device-feed.ts'
import { useApp } from './use-app.ts'

/** How a device's metrics are called, by what the deployment declares. */
export function useMetricLook(topic: () => string): (metric: string) => MetricLook {
  const { config } = useApp()
  return (metric) => metricLook(config.metrics ?? [], topic(), metric)
}

/** So many of the newest readings tell in which digits a metric is sent. */
const TELLING = 120

/** The style of a metric's numbers, by its newest readings. */
export function feedStyle(feed: DeviceFeed, metric: string, unit: string): NumberStyle {
  const { values, length } = feed.series.view(metric)
  return styleOf(values.subarray(Math.max(0, length - TELLING), length), unit)
}
