import type { DashboardConfig } from './config.ts'

/** The address of this view, also for somebody who chose another region last. */
export function linkTo(href: string, { region, regions }: DashboardConfig): string {
  const link = new URL(href)
  if (regions.length > 1) link.searchParams.set('region', region)
  return link.href
}

/** Puts the address of this view on the clipboard. Where a browser forbids it, it still stands in the address bar. */
export async function copyLink(config: DashboardConfig): Promise<void> {
  try {
    await navigator.clipboard.writeText(linkTo(location.href, config))
  } catch {
    return
  }
}
