/** Puts the address of this view on the clipboard. Where a browser forbids it, it still stands in the address bar. */
export async function copyLink(): Promise<void> {
  try {
    await navigator.clipboard.writeText(location.href)
  } catch {
    return
  }
}
