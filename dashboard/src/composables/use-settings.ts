import { useLocalStorage, usePreferredDark } from '@vueuse/core'
import { defineStore } from 'pinia'
import { computed, watchEffect } from 'vue'
import type { TimeZone } from '../format/times.ts'

export type ThemeChoice = 'system' | 'dark' | 'light'

/** What a person chose about the looks; kept in this browser. Never readings. */
export const useSettings = defineStore('settings', () => {
  const choice = useLocalStorage<ThemeChoice>('gaugeline.theme', 'system')
  const zone = useLocalStorage<TimeZone>('gaugeline.zone', 'local')
  const prefersDark = usePreferredDark()
  const theme = computed(() =>
    choice.value === 'system' ? (prefersDark.value ? 'dark' : 'light') : choice.value,
  )
  watchEffect(() => {
    document.documentElement.dataset['theme'] = theme.value
  })
  function toggleTheme(): void {
    choice.value = theme.value === 'dark' ? 'light' : 'dark'
  }
  function toggleZone(): void {
    zone.value = zone.value === 'utc' ? 'local' : 'utc'
  }
  return { choice, zone, theme, toggleTheme, toggleZone }
})
