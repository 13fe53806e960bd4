/** The sign of a state: each has its own shape and word, never colour alone. */
export type Mark = 'critical' | 'warning' | 'info' | 'stale' | 'offline' | 'normal' | 'never'
