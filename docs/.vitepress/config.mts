/** The documentation as a site, in English and 简体中文: `npm run docs:site` writes it to dist/docs. Nothing in it comes from elsewhere. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type DefaultTheme, defineConfig } from 'vitepress';
import { chineseLines } from './chinese-lines.ts';
import { sequenceDiagrams } from './sequence-diagram.ts';

/** Pages of a language below its folder. A page that is generated in one form for both stands at the root. */
function sidebar(
  base: string,
  words: Record<'start' | 'operate' | 'reference', string>,
  titles: Record<string, string>,
) {
  const page = (link: string): DefaultTheme.SidebarItem => ({ text: titles[link] ?? link, link: `${base}${link}` });
  const shared = (link: string): DefaultTheme.SidebarItem => ({ text: titles[link] ?? link, link: `/${link}` });
  return [
    { text: words.start, items: ['guide/desktop', 'guide/server', 'guide/docker', 'guide/from-go-fastdfs'].map(page) },
    {
      text: words.operate,
      items: [
        'operations/backup',
        'operations/upgrade',
        'operations/capacity',
        'operations/monitoring',
        'operations/drills',
      ].map(page),
    },
    {
      text: words.reference,
      items: [
        page('reference/access'),
        shared('reference/api'),
        shared('configuration'),
        shared('errors'),
        shared('reference/protocol'),
        shared('architecture'),
      ],
    },
  ];
}

const icon = readFileSync(path.join(import.meta.dirname, '..', '..', 'assets', 'icon.svg')).toString('base64');

/** Words of the search in Chinese. */
const searchWords = {
  button: { buttonText: '搜索', buttonAriaLabel: '搜索' },
  modal: {
    displayDetails: '显示详情',
    resetButtonTitle: '清除',
    backButtonTitle: '返回',
    noResultsText: '没有找到',
    footer: { selectText: '选择', navigateText: '切换', closeText: '关闭' },
  },
};

export default defineConfig({
  title: 'Shoal',
  description: 'Your own file space: every device a full storage node, every file on all of them',
  outDir: '../dist/docs',
  cacheDir: '../node_modules/.cache/vitepress',
  srcExclude: ['decisions/**'],
  cleanUrls: false,
  appearance: true,
  markdown: {
    config: (md) => {
      sequenceDiagrams(md);
      chineseLines(md);
    },
  },
  head: [['link', { rel: 'icon', href: `data:image/svg+xml;base64,${icon}` }]],
  // Examples name addresses of the reader's own machine.
  ignoreDeadLinks: [/^https?:\/\/(localhost|127\.0\.0\.1)/, /\.\.\/(README|CHANGELOG|node-core|renderer|main)/],
  themeConfig: {
    search: { provider: 'local', options: { locales: { zh: { translations: searchWords } } } },
    outline: [2, 3],
  },
  locales: {
    root: {
      label: 'English',
      lang: 'en',
      themeConfig: {
        sidebar: sidebar(
          '/',
          { start: 'Quick starts', operate: 'Operations', reference: 'Reference' },
          {
            'guide/desktop': 'Desktop',
            'guide/server': 'Servers',
            'guide/docker': 'Docker',
            'guide/from-go-fastdfs': 'From go-fastdfs',
            'operations/backup': 'Backup and restore',
            'operations/upgrade': 'Upgrades',
            'operations/capacity': 'Capacity',
            'operations/monitoring': 'Monitoring',
            'operations/drills': 'Disaster drills',
            'reference/access': 'Tokens, codes, external checks',
            'reference/api': 'API',
            configuration: 'Configuration',
            errors: 'Error codes',
            'reference/protocol': 'Protocol between nodes',
            architecture: 'Architecture',
          },
        ),
      },
    },
    zh: {
      label: '简体中文',
      lang: 'zh-CN',
      description: '自己的文件空间：每台设备都是完整的存储节点，每个文件都在所有设备上',
      themeConfig: {
        outline: { level: [2, 3], label: '本页目录' },
        docFooter: { prev: '上一页', next: '下一页' },
        darkModeSwitchLabel: '外观',
        sidebarMenuLabel: '目录',
        returnToTopLabel: '回到顶部',
        langMenuLabel: '语言',
        sidebar: sidebar(
          '/zh/',
          { start: '快速开始', operate: '运维', reference: '参考' },
          {
            'guide/desktop': '桌面应用',
            'guide/server': '服务器',
            'guide/docker': 'Docker',
            'guide/from-go-fastdfs': '从 go-fastdfs 迁入',
            'operations/backup': '备份与恢复',
            'operations/upgrade': '升级',
            'operations/capacity': '容量',
            'operations/monitoring': '监控',
            'operations/drills': '灾难演练',
            'reference/access': '令牌、动态码与外部鉴权',
            'reference/api': 'API(英文)',
            configuration: '配置',
            errors: '错误码',
            'reference/protocol': '节点间协议(英文)',
            architecture: '架构(英文)',
          },
        ),
      },
    },
  },
});
