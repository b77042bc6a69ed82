import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/.data/**'],
    globalSetup: ['./testing/postgres-server.ts'],
    reporters: ['default', './testing/closing-line.ts'],
    // Real processes and databases: separate forks, so that a crash or a leaked handle stays in its file.
    pool: 'forks',
    maxWorkers: 3,
    // Many tests start several processes; a busy machine must not fail them.
    testTimeout: 60_000,
    hookTimeout: 90_000,
  },
});
