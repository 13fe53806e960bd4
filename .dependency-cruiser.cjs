/** The arrows of the house (docs/architecture.md): never turned round, no cycles. */
const only = (name, from, to, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from, pathNot: '\\.test\\.ts$' },
  to,
})
/** The folders of core, each of which knows only those before it: Record → Reading → Block → Frame → Post, then what uses that line. */
const coreFolders = [
  ...['messages', 'auth', 'telemetry', 'blocks', 'selection', 'connections', 'history'],
  ...['ingest', 'subscriptions', 'fanout', 'dispatch', 'subscriber-count', 'alarms'],
  ...['commands', 'notes', 'session', 'redrive', 'delivery'],
]
const coreOrder = [
  ...coreFolders.slice(0, -1).map((folder, at) =>
    only(`core-order-${folder}`, `^backend/src/core/${folder}/`, {
      path: `^backend/src/core/(${coreFolders.slice(at + 1).join('|')})/`,
    }),
  ),
  only('core-order-has-every-folder', '^backend/src/', {
    path: `^backend/src/core/(?!(${coreFolders.join('|')})/)[^/]+/`,
  }),
]
/** Our own files; a workspace's own node_modules are not. */
const inHouse = '^(backend|infra|dashboard|simulator|test)/(?!node_modules/)'
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    ...coreOrder,
    // aws-lambda is types only (@types/aws-lambda): there is no module to find.
    {
      name: 'no-unresolved',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^aws-lambda$' },
    },
    only('protocol-imports-nothing', '^backend/src/protocol/', {
      path: inHouse,
      pathNot: '^backend/src/protocol/',
    }),
    only('contract-imports-nothing', '^backend/src/contract\\.ts$', { path: '.+' }),
    only(
      'core-is-pure',
      '^backend/src/core/',
      {
        path: [inHouse, 'node_modules/(@aws|jose)', '^(node:)?(fs|http|https|net|process)$'],
        pathNot: '^backend/src/(core|protocol)/|^backend/src/contract\\.ts$',
      },
      'core has no SDK, no process, no wall clock',
    ),
    only('adapters-import-core', '^backend/src/adapters/', {
      path: inHouse,
      pathNot: '^backend/src/(adapters|core|protocol)/|^backend/src/contract\\.ts$',
    }),
    only('only-adapters-use-the-sdk', '^backend/src/(?!adapters/)', {
      path: 'node_modules/(@aws-sdk|@smithy|jose)',
    }),
    only('dashboard-imports-protocol-only', '^dashboard/', {
      path: inHouse,
      pathNot: '^dashboard/|^backend/src/protocol/',
    }),
    only('dashboard-has-no-sdk', '^dashboard/', { path: 'node_modules/(@aws|aws-cdk)' }),
    only('simulator-imports-protocol-only', '^simulator/', {
      path: inHouse,
      pathNot: '^simulator/|^backend/src/protocol/',
    }),
    only('cloud-imports-contract-only', '^infra/cloud/', {
      path: inHouse,
      pathNot: '^infra/cloud/|^backend/src/contract\\.ts$',
    }),
    only(
      'local-reads-the-template',
      '^infra/local/',
      { path: inHouse, pathNot: '^infra/local/' },
      'infra/local never imports infra/cloud or backend source',
    ),
    only('services-meet-through-the-platform', '^infra/local/services/([^/]+)/', {
      path: '^infra/local/services/([^/]+)/',
      pathNot: '^infra/local/services/$1/',
    }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|cdk\\.out|coverage|\\.gaugeline)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
      extensions: ['.ts', '.mjs', '.js', '.vue', '.json'],
    },
  },
}
