/** What the dashboard calls the metrics of the devices whose topic fits; `*` is any run of characters. */
export interface DeclaredMetrics {
  readonly devices: string
  readonly metrics: Readonly<Record<string, { readonly label?: string; readonly unit?: string }>>
}

/**
 * Names and units of metrics, for `/config.json`: those of the demo fleet. Put those of your devices here; the first entry that says a
 * device's metric holds. A metric that nobody declares has its own name and no unit, since a name like `pressure` is bar here and Pa there.
 */
export const declaredMetrics: readonly DeclaredMetrics[] = [
  {
    devices: 'plant-*/pump-*',
    metrics: {
      speed: { unit: 'rpm' },
      flow: { unit: 'l/min' },
      pressure: { unit: 'bar' },
      current: { unit: 'A' },
      temperature: { unit: '°C' },
      vibration: { unit: 'mm/s' },
    },
  },
  {
    devices: 'plant-*/compressor-*',
    metrics: {
      pressure: { unit: 'bar' },
      temperature: { unit: '°C' },
      power: { unit: 'kW' },
    },
  },
  {
    devices: 'plant-*/climate-*',
    metrics: {
      temperature: { unit: '°C' },
      humidity: { unit: '%' },
      co2: { unit: 'ppm' },
    },
  },
]
