import { createRouter, createWebHistory, type Router } from 'vue-router'
import AboutPage from './pages/AboutPage.vue'
import AlarmsPage from './pages/AlarmsPage.vue'
import CallbackPage from './pages/CallbackPage.vue'
import DevicePage from './pages/DevicePage.vue'
import FleetPage from './pages/FleetPage.vue'
import SignInPage from './pages/SignInPage.vue'
import type { Session } from './session/session.ts'

/** What a browser's tab says. */
const titles: Readonly<Record<string, string>> = {
  fleet: 'Fleet',
  alarms: 'Alarms',
  about: 'About',
  'sign-in': 'Sign in',
}

/** The pages. All but sign-in, callback and about need a session. */
export function makeRouter(session: Session): Router {
  const router = createRouter({
    history: createWebHistory(),
    routes: [
      { path: '/', name: 'fleet', component: FleetPage },
      { path: '/d/:site/:device', name: 'device', component: DevicePage },
      { path: '/alarms', name: 'alarms', component: AlarmsPage },
      { path: '/about', name: 'about', component: AboutPage, meta: { open: true } },
      { path: '/sign-in', name: 'sign-in', component: SignInPage, meta: { open: true } },
      { path: '/callback', name: 'callback', component: CallbackPage, meta: { open: true } },
      { path: '/:rest(.*)*', redirect: '/' },
    ],
  })
  router.beforeEach(async (to) => {
    if (to.meta['open'] === true || (await session.isSignedIn())) return true
    return { name: 'sign-in', query: { to: to.fullPath } }
  })
  router.afterEach(({ name, params }) => {
    const { site, device } = params
    const page = name === 'device' ? `${String(device)}, ${String(site)}` : titles[String(name)]
    document.title = page === undefined ? 'Gaugeline' : `${page} · Gaugeline`
  })
  return router
}
