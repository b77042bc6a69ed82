import type { Reporter, TestModule } from 'vitest/node';

/** Ends the run with one plain line, for programs that count: `412 passed, 0 failed, 0 skipped`. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const count = { passed: 0, failed: errors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      for (const test of tests) count[test.result().state]++;
      // A file that cannot be loaded, or whose hooks fail, has failed however many tests it holds.
      if (!module.ok() && tests.every((test) => test.result().state !== 'failed')) count.failed++;
    }
    console.log(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped + count.pending} skipped`);
  }
}
