// `npm test`: type check, lint with the layer rules, then every suite. Fails when anything fails or when a suite that is
// expected ran no test. Ends with one line: `N passed, N failed, N skipped`, summed over the suites.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const suites = ['unit', 'integration', 'e2e', 'desktop', 'cluster'];
const all = process.env.SHOAL_TEST_ALL === '1';
const bin = (name) => path.join('node_modules', '.bin', process.platform === 'win32' ? `${name}.cmd` : name);

const problems = [];
const failedTests = [];
const totals = { passed: 0, failed: 0, skipped: 0 };

function run(title, command, args) {
  console.log(`\n== ${title}`);
  const { status } = spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) problems.push(`${title} failed`);
}

function runSuite(name) {
  console.log(`\n== tests: ${name}`);
  const folder = mkdtempSync(path.join(tmpdir(), 'shoal-report-'));
  const report = path.join(folder, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { status } = spawnSync(bin('vitest'), ['run', '--project', name, ...reporters], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) problems.push(`suite ${name} failed`);
  try {
    const { testResults, ...counts } = JSON.parse(readFileSync(report, 'utf8'));
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = counts;
    for (const { fullName, failureMessages } of testResults.flatMap((file) => file.assertionResults)) {
      if (failureMessages.length > 0) failedTests.push(`${name}: ${fullName}\n  ${failureMessages[0].slice(0, 600)}`);
    }
    totals.passed += numPassedTests;
    totals.failed += numFailedTests;
    totals.skipped += numPendingTests + numTodoTests;
    if (numPassedTests + numFailedTests === 0) problems.push(`suite ${name} ran no test`);
    if (all && numPendingTests + numTodoTests > 0) problems.push(`suite ${name} skipped tests, with SHOAL_TEST_ALL=1`);
  } catch (error) {
    problems.push(`suite ${name} left no report: ${error.message}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

run('build', process.execPath, ['build.mjs']);
run('types', bin('tsc'), ['-p', '.']);
run('types of the web app', bin('tsc'), ['-p', 'renderer']);
run('types of the desktop app', bin('tsc'), ['-p', 'main']);
run('style', bin('biome'), ['ci', '--error-on-warnings', '.']);
run('layers', bin('depcruise'), ['node-core', 'renderer', 'main']);
// Fails on links that lead nowhere.
run('documentation', bin('vitepress'), ['build', 'docs']);
for (const suite of suites) {
  const chromium = process.env.SHOAL_CHROMIUM ?? '/usr/bin/chromium';
  if (suite !== 'e2e' || all || existsSync(chromium)) runSuite(suite);
  else console.log(`\n== tests: e2e: skipped, there is no ${chromium} (SHOAL_CHROMIUM names another)`);
}

// Once more at the end, where the last lines of a log show them.
for (const failure of failedTests) console.error(`FAILED: ${failure}`);
for (const problem of problems) console.error(`FAILED: ${problem}`);
// Something failed outside a test: it counts, so that the last line never looks better than the run was.
if (problems.length > 0 && totals.failed === 0) totals.failed = problems.length;
console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = problems.length === 0 ? 0 : 1;
