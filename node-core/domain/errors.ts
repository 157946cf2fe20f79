/**
 * The registry of coded errors: the only place where a code, its HTTP status and its words are defined.
 *
 * Codes are interface: they are stable, documented in docs/errors.md (generated from here) and the same in every
 * language. Messages and hints are for people and may change. `{name}` in a text is filled from the error's details.
 */

/** The two languages that every message exists in. */
export type Language = 'en' | 'zh';

/** One entry of the registry. */
export interface ErrorDefinition {
  /** HTTP status that the mapper answers with. */
  readonly status: number;
  readonly en: string;
  readonly zh: string;
  /** What the caller or the operator can do about it. */
  readonly hint?: { readonly en: string; readonly zh: string };
}

function define<T extends Record<string, ErrorDefinition>>(definitions: T): Readonly<T> {
  return Object.freeze(definitions);
}

export const errorDefinitions = define({
  // --- requests ---
  BAD_REQUEST: { status: 400, en: 'the request is not valid: {reason}', zh: '请求无效:{reason}' },
  PARAMETER_MISSING: { status: 400, en: 'parameter {name} is missing', zh: '缺少参数 {name}' },
  PARAMETER_INVALID: {
    status: 400,
    en: 'parameter {name} is not valid: {reason}',
    zh: '参数 {name} 无效:{reason}',
  },
  OUTPUT_UNKNOWN: {
    status: 400,
    en: 'output must be text, json or json2, not {value}',
    zh: 'output 只能是 text、json 或 json2,而不是 {value}',
  },
  MULTIPART_INVALID: {
    status: 400,
    en: 'the multipart body is broken: {reason}',
    zh: 'multipart 请求体已损坏:{reason}',
  },
  UPLOAD_ABORTED: {
    status: 400,
    en: 'the upload ended before the body was complete',
    zh: '上传在请求体完整之前中断',
  },
  FILE_FIELD_MISSING: {
    status: 400,
    en: 'the form has no file in its field "file"',
    zh: '表单的 "file" 字段中没有文件',
    hint: { en: 'curl -F file=@NAME URL', zh: 'curl -F file=@文件名 URL' },
  },
  TOO_MANY_FIELDS: { status: 400, en: 'the form has too many parts', zh: '表单字段过多' },
  FIELD_TOO_LARGE: { status: 413, en: 'the form field {name} is too large', zh: '表单字段 {name} 过大' },
  FILE_TOO_LARGE: {
    status: 413,
    en: 'the file is larger than {maxBytes} bytes',
    zh: '文件超过 {maxBytes} 字节',
    hint: { en: 'max_upload_bytes in the configuration sets the limit', zh: '上限由配置项 max_upload_bytes 决定' },
  },
  URI_TOO_LONG: { status: 414, en: 'the address is too long', zh: '请求地址过长' },
  BODY_TOO_LARGE: { status: 413, en: 'the request body is too large', zh: '请求体过大' },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    en: 'this content type is not understood here: {type}',
    zh: '此处不支持该内容类型:{type}',
  },
  EXTENSION_REFUSED: {
    status: 415,
    en: 'files of type {extension} are not accepted here',
    zh: '不接受 {extension} 类型的文件',
    hint: { en: 'accepted: {accepted}', zh: '允许的类型:{accepted}' },
  },
  METHOD_NOT_ALLOWED: { status: 405, en: '{method} is not possible here', zh: '此处不支持 {method}' },
  ROUTE_NOT_FOUND: { status: 404, en: 'there is nothing at {path}', zh: '{path} 不存在' },
  TOO_MANY_REQUESTS: { status: 429, en: 'too many requests, try again later', zh: '请求过多,请稍后再试' },
  TOO_MANY_UPLOADS: {
    status: 503,
    en: 'too many uploads are under way, try again later',
    zh: '同时进行的上传过多,请稍后再试',
  },

  // --- paths ---
  PATH_INVALID: { status: 400, en: 'the path is not valid: {reason}', zh: '路径无效:{reason}' },
  PATH_TOO_LONG: { status: 400, en: 'the path is longer than {maxBytes} bytes', zh: '路径超过 {maxBytes} 字节' },
  PATH_RESERVED: { status: 400, en: '{segment} is a reserved name', zh: '{segment} 是保留名称' },
  SCENE_UNKNOWN: { status: 400, en: 'the scene {scene} is not configured', zh: '未配置场景 {scene}' },

  // --- files ---
  FILE_NOT_FOUND: { status: 404, en: 'there is no file {what}', zh: '文件 {what} 不存在' },
  FOLDER_NOT_FOUND: { status: 404, en: 'there is no folder {what}', zh: '文件夹 {what} 不存在' },
  TRASH_NOT_FOUND: { status: 404, en: 'the trash holds nothing under {id}', zh: '回收站中没有 {id}' },
  TARGET_EXISTS: {
    status: 409,
    en: 'there is something at {path} already',
    zh: '{path} 已存在',
    hint: { en: 'choose another name, or replace it', zh: '请换一个名称,或选择覆盖' },
  },
  FOLDER_NOT_EMPTY: { status: 409, en: 'the folder {what} is not empty', zh: '文件夹 {what} 不为空' },
  LISTING_OFF: {
    status: 403,
    en: 'folders are not listed here',
    zh: '此处不列出文件夹内容',
    hint: { en: 'show_dir in the configuration switches it on', zh: '由配置项 show_dir 开启' },
  },
  IMAGE_UNSUPPORTED: {
    status: 415,
    en: 'this is not an image that can be scaled: {reason}',
    zh: '这不是可以缩放的图片:{reason}',
  },
  IMAGE_DAMAGED: {
    status: 422,
    en: 'the image is damaged: {reason}',
    zh: '图片已损坏:{reason}',
  },
  IMAGE_TOO_LARGE: {
    status: 422,
    en: 'the image is too large to be scaled: {reason}',
    zh: '图片过大,无法缩放:{reason}',
    hint: { en: 'image_max_pixels sets the limit', zh: '上限由 image_max_pixels 设定' },
  },
  IMAGE_TIMEOUT: {
    status: 422,
    en: 'scaling the image took more than {seconds} s',
    zh: '缩放图片超过 {seconds} 秒',
  },
  TOO_MANY_IMAGES: {
    status: 503,
    en: 'too many images are being scaled',
    zh: '正在缩放的图片过多',
    hint: { en: 'try again in a moment', zh: '请稍后再试' },
  },
  PEER_DATA_INVALID: {
    status: 502,
    en: 'a member sent records that this node cannot read (it knows formats up to {format})',
    zh: '成员发来了本节点无法读取的记录(本节点最高支持格式 {format})',
  },
  RULE_NOT_FOUND: { status: 404, en: 'there is no retention rule {id}', zh: '没有保留规则 {id}' },
  MAIL_REFUSED: {
    status: 502,
    en: 'the mail could not be sent through {host}: {reason}',
    zh: '无法通过 {host} 发送邮件:{reason}',
  },
  ALARM_NOT_FOUND: { status: 404, en: 'there is no such open alarm', zh: '没有该未解除的告警' },
  ALARM_WITHOUT_RECEIVER: {
    status: 409,
    en: 'nobody is configured to receive alarms',
    zh: '尚未配置告警接收方',
    hint: {
      en: 'set alarm_receivers and mail, or alarm_url',
      zh: '请设置 alarm_receivers 和 mail,或 alarm_url',
    },
  },
  DIGEST_MISMATCH: {
    status: 400,
    en: 'the content does not have the announced digest: expected {expected}, received {actual}',
    zh: '内容与声明的摘要不符:应为 {expected},实为 {actual}',
  },
  DIGEST_INVALID: { status: 400, en: '{value} is not a digest', zh: '{value} 不是有效的摘要' },
  DIGEST_AMBIGUOUS: {
    status: 409,
    en: 'the digest {digest} belongs to different contents',
    zh: '摘要 {digest} 对应多个不同的内容',
    hint: { en: 'name the file by its path', zh: '请用路径指定文件' },
  },
  RANGE_NOT_SATISFIABLE: { status: 416, en: 'the file has no such range', zh: '请求的范围超出文件' },
  PRECONDITION_FAILED: { status: 412, en: 'the file has changed', zh: '文件已改变' },
  READ_ONLY: { status: 403, en: 'this node is read-only', zh: '本节点为只读' },
  REPLICAS_PENDING: {
    status: 202,
    en: 'the file is stored; {held} of {wanted} members hold verified bytes so far',
    zh: '文件已保存；目前 {wanted} 个成员中有 {held} 个持有经过校验的数据',
  },
  BYTES_ELSEWHERE: {
    status: 503,
    en: 'the bytes of this file are on another member that cannot be reached',
    zh: '该文件的数据在另一个暂时无法访问的成员上',
  },
  SCRUB_OFF: {
    status: 409,
    en: 'the scrub is off',
    zh: '后台校验已关闭',
    hint: { en: 'set scrub_kib_per_second', zh: '请设置 scrub_kib_per_second' },
  },
  CONFLICT_NOT_FOUND: { status: 404, en: 'there is no conflict at {path}', zh: '{path} 处没有冲突' },
  CONFLICT_CHANGED: {
    status: 409,
    en: 'the versions at {path} are not those that were looked at',
    zh: '{path} 处的版本已不是所查看的版本',
    hint: { en: 'look at the conflict again', zh: '请重新查看该冲突' },
  },
  LOST_NOT_FOUND: {
    status: 404,
    en: '{path} is not lost, or nothing that it was before is left',
    zh: '{path} 并未丢失,或没有可恢复的先前版本',
  },
  BYTES_LOST: {
    status: 503,
    en: 'the bytes of {what} are damaged or gone, and no member has them any more',
    zh: '{what} 的数据已损坏或丢失,且没有任何成员仍保存它',
    hint: {
      en: 'store the file again, or restore what it was before: lost files are listed in /api/v1/lost',
      zh: '请重新存储该文件,或恢复其先前版本:丢失的文件列于 /api/v1/lost',
    },
  },
  BYTES_DAMAGED: {
    status: 503,
    en: 'the bytes of {what} on this disk are missing or damaged',
    zh: '{what} 在本机磁盘上的数据缺失或已损坏',
    hint: { en: 'restore them from another member or a backup', zh: '请从其他成员或备份恢复' },
  },

  // --- access ---
  MANAGEMENT_REFUSED: {
    status: 403,
    en: 'only an administrator may do this; the caller is {address}',
    zh: '只有管理员可以执行此操作;调用方为 {address}',
    hint: {
      en: 'sign in at /login (while no administrator exists: open the setup link that the node printed or keeps in data/setup-link), call from the host itself, send the admin_key as a bearer token, or add {address} to admin_ips; a proxy in between must stand in trusted_proxies',
      zh: '请在 /login 登录(尚无管理员时,请打开节点打印的或保存在 data/setup-link 中的初始设置链接),或在本机调用,或以 bearer 令牌发送 admin_key,或把 {address} 加入 admin_ips;中间的代理须列入 trusted_proxies',
    },
  },
  CROSS_SITE_REFUSED: {
    status: 403,
    en: 'a page of another site may not do this',
    zh: '其他网站的页面不能执行此操作',
    hint: {
      en: 'the request came from {origin}; use a script or a page of this node',
      zh: '请求来自 {origin};请使用脚本或本节点的页面',
    },
  },
  HOST_REFUSED: {
    status: 403,
    en: 'the Host header {host} is not a name of this node',
    zh: 'Host 头 {host} 不是本节点的名称',
    hint: {
      en: 'use an IP address, localhost, or a name from trusted_hosts',
      zh: '请使用 IP 地址、localhost 或 trusted_hosts 中的名称',
    },
  },

  UPLOAD_IS_FINAL: {
    status: 403,
    en: 'a final upload is made of its parts and takes no bytes of its own',
    zh: '拼接而成的上传不接受新的数据',
  },
  TUS_VERSION: {
    status: 412,
    en: 'the request needs Tus-Resumable: 1.0.0',
    zh: '请求需要 Tus-Resumable: 1.0.0',
  },
  CALLBACK_REFUSED: {
    status: 400,
    en: 'the callback may not go to {host}',
    zh: '不允许回调到 {host}',
    hint: { en: 'callback_hosts in the configuration names the hosts', zh: '允许的主机由配置项 callback_hosts 决定' },
  },

  ADMIN_KEY_REFUSED: {
    status: 401,
    en: 'the key is not the admin_key of this node',
    zh: '密钥与本节点的 admin_key 不符',
    hint: {
      en: 'admin_key stands in conf/cfg.json; while it is empty no key is accepted',
      zh: 'admin_key 见 conf/cfg.json;为空时不接受任何密钥',
    },
  },
  LOGIN_REFUSED: {
    status: 401,
    en: 'this name and password do not let you in',
    zh: '用户名或密码不正确',
  },
  LOGIN_CODE_NEEDED: {
    status: 401,
    en: 'a valid one-time code is needed besides the password',
    zh: '除密码外还需要有效的一次性验证码',
    hint: {
      en: 'type the code that the authenticator app shows now; a code works once',
      zh: '请输入验证器应用当前显示的验证码;每个验证码只能使用一次',
    },
  },
  SIGN_IN_FIRST: { status: 401, en: 'sign in first', zh: '请先登录' },
  SESSION_NOT_FOUND: { status: 404, en: 'there is no such session', zh: '没有该会话' },
  PASSWORD_UNFIT: {
    status: 400,
    en: 'the password must have from {min} to {max} bytes',
    zh: '密码长度须为 {min} 至 {max} 字节',
  },
  SETUP_REFUSED: {
    status: 401,
    en: 'this is not the setup link of this node',
    zh: '这不是本节点的初始设置链接',
    hint: {
      en: 'the link was printed at the start, or stands in data/setup-link',
      zh: '链接在启动时打印,或保存在 data/setup-link',
    },
  },
  SETUP_DONE: {
    status: 409,
    en: 'this node has an administrator already',
    zh: '本节点已有管理员',
    hint: { en: 'sign in at /login', zh: '请在 /login 登录' },
  },
  NO_ADMINISTRATOR: {
    status: 409,
    en: 'this node has no administrator yet',
    zh: '本节点尚无管理员',
    hint: { en: 'open the setup link', zh: '请打开初始设置链接' },
  },
  SECOND_FACTOR_ON: { status: 409, en: 'the second factor is on already', zh: '两步验证已启用' },
  SECOND_FACTOR_OFF: { status: 409, en: 'the second factor is not on', zh: '两步验证未启用' },
  SECOND_FACTOR_NOT_OFFERED: {
    status: 409,
    en: 'no secret for a second factor was offered within the last 15 minutes',
    zh: '最近 15 分钟内没有生成两步验证密钥',
  },

  // --- doors ---
  UPLOAD_REFUSED: {
    status: 401,
    en: 'uploads are not open to everybody here',
    zh: '此处的上传不对所有人开放',
    hint: { en: 'sign in, or use an upload link', zh: '请登录,或使用上传链接' },
  },
  DOWNLOAD_REFUSED: {
    status: 401,
    en: 'downloads are not open to everybody here',
    zh: '此处的下载不对所有人开放',
    hint: { en: 'sign in, or use a share link', zh: '请登录,或使用分享链接' },
  },
  DOWNLOAD_TOKEN_REFUSED: {
    status: 401,
    en: 'the download needs a valid token and timestamp',
    zh: '下载需要有效的 token 和 timestamp',
    hint: {
      en: 'token=md5(<md5 of the file> + <timestamp>), timestamp in unix seconds, not older than download_token_expire',
      zh: 'token=md5(<文件 md5> + <时间戳>),timestamp 为 unix 秒,且未超过 download_token_expire',
    },
  },
  CODE_REFUSED: {
    status: 401,
    en: 'a valid one-time code is needed in "code"',
    zh: '需要在 "code" 中提供有效的一次性验证码',
  },
  AUTH_REFUSED: {
    status: 401,
    en: 'the authorization service did not allow this',
    zh: '授权服务未允许此操作',
    hint: {
      en: 'the token goes into the header Auth-Token or the field auth_token',
      zh: '令牌放在 Auth-Token 头或 auth_token 字段中',
    },
  },
  CALL_FAILED: {
    status: 502,
    en: 'the service at {host} could not be called: {reason}',
    zh: '无法调用 {host} 上的服务:{reason}',
  },
  LINK_UNKNOWN: { status: 404, en: 'there is no such link', zh: '没有该链接' },
  LINK_EXPIRED: { status: 410, en: 'the link has expired', zh: '链接已过期' },
  LINK_REVOKED: { status: 410, en: 'the link was revoked', zh: '链接已被撤销' },
  LINK_USED_UP: { status: 410, en: 'the link has been used as often as it may be', zh: '链接的使用次数已用完' },
  LINK_CREATOR_AWAY: {
    status: 503,
    en: 'the uses of this link are counted by a member that cannot be reached now',
    zh: '该链接的使用次数由另一个暂时无法访问的成员计数',
  },
  LINK_PASSWORD_NEEDED: {
    status: 401,
    en: 'the link needs its password',
    zh: '该链接需要密码',
    hint: { en: 'scripts send it in the header Shoal-Link-Password', zh: '脚本可用 Shoal-Link-Password 头发送' },
  },
  LINK_PASSWORD_REFUSED: { status: 401, en: 'this is not the password of the link', zh: '链接密码不正确' },

  PEER_WORD_REFUSED: {
    status: 403,
    en: 'what another node says of a file is not taken on its word',
    zh: '不采信其他节点对文件的声明',
    hint: { en: 'upload the file itself', zh: '请直接上传文件' },
  },
  MIGRATION_OFF: {
    status: 403,
    en: 'files found in the store folder are not taken in here',
    zh: '本节点未允许收录存储目录中发现的文件',
    hint: { en: 'enable_migrate in the configuration switches it on', zh: '由配置项 enable_migrate 开启' },
  },

  // --- moving in ---
  SOURCE_IN_USE: {
    status: 409,
    en: 'a go-fastdfs node is running on {folder}',
    zh: 'go-fastdfs 节点正在使用 {folder}',
    hint: { en: 'stop it, or copy its folder and import the copy', zh: '请先停止它，或复制其目录后导入副本' },
  },
  SOURCE_UNUSABLE: {
    status: 400,
    en: '{folder} cannot be imported: {reason}',
    zh: '无法导入 {folder}：{reason}',
  },
  IMPORT_RUNNING: {
    status: 409,
    en: 'an import is running: {source}',
    zh: '正在导入：{source}',
    hint: { en: 'wait for its end, or stop it', zh: '请等待其结束，或先停止它' },
  },
  HOST_ONLY: {
    status: 403,
    en: 'this reads and writes folders of the host and is possible only from there; the caller is {address}',
    zh: '此操作会读写本机目录，只能在本机执行；调用方为 {address}',
    hint: { en: 'run shoal on the host itself', zh: '请在本机运行 shoal 命令' },
  },

  // --- the store ---
  BACKUP_UNREADABLE: {
    status: 400,
    en: 'the backup {file} cannot be read: line {line} is not a file record',
    zh: '无法读取备份 {file}:第 {line} 行不是文件记录',
  },
  BACKUP_BROKEN: {
    status: 400,
    en: 'the backup is not complete or not sound: {reason}',
    zh: '备份不完整或已损坏：{reason}',
  },
  RESTORE_INCOMPLETE: {
    status: 500,
    en: 'a restore into {folder} was cut: what is there is not complete',
    zh: '到 {folder} 的恢复被中断：其中的内容不完整',
    hint: { en: 'run shoal restore again; it begins anew', zh: '请重新运行 shoal restore，将从头开始' },
  },
  STORE_WATCHED: {
    status: 409,
    en: 'the files of this store belong to other programs (enable_fsnotify): they are not moved into packs',
    zh: '该存储的文件归其他程序所有（enable_fsnotify）：不会移入合并文件',
  },
  WATCH_OFF: {
    status: 409,
    en: 'the store is not watched',
    zh: '未监视存储目录',
    hint: { en: 'enable_fsnotify in the configuration switches it on', zh: '由配置项 enable_fsnotify 开启' },
  },
  REMOVALS_NOT_HELD: {
    status: 404,
    en: 'no removals wait for an answer under {id}',
    zh: '没有编号为 {id} 的待确认删除',
  },
  DISK_FULL: {
    status: 507,
    en: 'the disk has not enough free space',
    zh: '磁盘可用空间不足',
    hint: {
      en: 'free some space; free_space_floor_percent and free_space_floor_mb set the reserve',
      zh: '请释放空间;保留空间由 free_space_floor_percent 和 free_space_floor_mb 决定',
    },
  },
  STORE_MISSING: {
    status: 503,
    en: 'the store folder {folder} is not the one this catalogue belongs to; nothing is written',
    zh: '存储目录 {folder} 不是该目录库所属的目录;已停止写入',
    hint: {
      en: 'mount the disk that holds it, or restore the folder with its marker file',
      zh: '请挂载其所在磁盘,或恢复该文件夹及其标记文件',
    },
  },
  DATA_LOCKED: {
    status: 500,
    en: 'another node is running on the data folder {folder}',
    zh: '另一个节点正在使用数据目录 {folder}',
    hint: { en: 'stop it, or choose another folder with --data', zh: '请先停止它,或用 --data 指定其他目录' },
  },
  DATA_UNUSABLE: {
    status: 500,
    en: 'the data folder {folder} cannot be used: {reason}',
    zh: '数据目录 {folder} 无法使用:{reason}',
  },
  CATALOG_TOO_NEW: {
    status: 500,
    en: 'the catalogue has format {found}, this version knows formats up to {known}',
    zh: '目录库格式为 {found},本版本最高支持 {known}',
    hint: { en: 'install a newer version', zh: '请安装更新的版本' },
  },
  CATALOG_CORRUPT: {
    status: 500,
    en: 'the catalogue holds an entry that cannot be read: {key}',
    zh: '目录库中有无法读取的条目:{key}',
  },

  // --- configuration and start ---
  CONFIG_UNREADABLE: {
    status: 500,
    en: 'the configuration {file} cannot be read: {reason}',
    zh: '无法读取配置 {file}:{reason}',
  },
  CONFIG_UNWRITABLE: {
    status: 500,
    en: 'the configuration {file} cannot be written: {reason}',
    zh: '无法写入配置 {file}:{reason}',
  },
  CONFIG_INVALID: { status: 400, en: 'configuration key {key}: {reason}', zh: '配置项 {key}:{reason}' },
  CONFIG_TOO_NEW: {
    status: 500,
    en: 'the configuration {file} has format {found}, this version knows formats up to {known}',
    zh: '配置 {file} 的格式为 {found},本版本最高支持 {known}',
    hint: { en: 'install a newer version', zh: '请安装更新的版本' },
  },
  FLAG_UNKNOWN: {
    status: 400,
    en: 'unknown option {flag}',
    zh: '未知选项 {flag}',
    hint: { en: 'shoal --help lists the options', zh: 'shoal --help 列出所有选项' },
  },
  FLAG_INVALID: { status: 400, en: 'option {flag}: {reason}', zh: '选项 {flag}:{reason}' },
  COMMAND_UNKNOWN: {
    status: 400,
    en: 'unknown command {command}',
    zh: '未知命令 {command}',
    hint: { en: 'shoal --help lists the commands', zh: 'shoal --help 列出所有命令' },
  },
  ADDRESS_IN_USE: {
    status: 500,
    en: 'the address {address} is in use',
    zh: '地址 {address} 已被占用',
    hint: {
      en: 'stop the other program, or choose another port with --addr',
      zh: '请停止占用它的程序,或用 --addr 指定其他端口',
    },
  },
  ADDRESS_UNUSABLE: {
    status: 500,
    en: 'cannot listen on {address}: {reason}',
    zh: '无法监听 {address}:{reason}',
  },

  CERTIFICATE_UNUSABLE: {
    status: 500,
    en: 'HTTPS needs a certificate and its key, {file} cannot be used: {reason}',
    zh: 'HTTPS 需要证书及其私钥,{file} 无法使用:{reason}',
    hint: {
      en: 'put PEM files at conf/server.crt and conf/server.key, or set enable_https to false',
      zh: '请将 PEM 文件放在 conf/server.crt 和 conf/server.key,或将 enable_https 设为 false',
    },
  },

  // --- the cluster ---
  PEER_UNREACHABLE: {
    status: 503,
    en: 'member {member} cannot be reached: {reason}',
    zh: '无法连接成员 {member}:{reason}',
  },
  PEER_REFUSED: { status: 502, en: 'member {member} refused: {reason}', zh: '成员 {member} 拒绝:{reason}' },
  PEER_UNKNOWN: {
    status: 403,
    en: 'only members of this cluster get an answer here',
    zh: '此处只回应本集群的成员',
    hint: {
      en: 'join first: shoal join TOKEN, a cluster key, or a request that a member approves',
      zh: '请先加入:shoal join 令牌、集群密钥,或由成员批准的请求',
    },
  },
  PEER_REMOVED: {
    status: 403,
    en: 'this node was removed from the cluster',
    zh: '该节点已被移出集群',
    hint: { en: 'a member can invite it again', zh: '任一成员可以重新邀请它' },
  },
  PEER_UNPROVEN: {
    status: 403,
    en: 'the other side did not prove that it is the node it should be',
    zh: '对方未能证明其身份与预期节点相符',
  },
  PEER_TWIN: {
    status: 409,
    en: 'two machines run as node {member}: both are refused',
    zh: '有两台机器以节点 {member} 的身份运行:两者均被拒绝',
    hint: {
      en: 'a data folder was copied; stop one of them and remove data/identity.pem and data/catalog of the copy',
      zh: '数据目录被复制过;请停止其中一台,并删除副本中的 data/identity.pem 和 data/catalog',
    },
  },
  PEER_PROTOCOL: {
    status: 409,
    en: 'the versions of the two nodes do not understand each other: this one speaks {own}, the other {other}',
    zh: '两个节点的版本互不兼容:本节点使用 {own},对方使用 {other}',
    hint: { en: 'update the older one', zh: '请升级较旧的节点' },
  },
  UPLOAD_OWNER_AWAY: {
    status: 503,
    en: 'the member that keeps this upload cannot be reached',
    zh: '保存该上传的成员暂时无法访问',
    hint: { en: 'go on later; what was sent is kept there', zh: '请稍后继续,已发送的数据仍保存在该成员上' },
  },
  PEER_HAS_NOT: { status: 404, en: 'these bytes are not here', zh: '此处没有这些数据' },
  PEER_BYTES_WRONG: {
    status: 502,
    en: 'member {member} sent bytes that are not what was asked for',
    zh: '成员 {member} 发来的数据与请求不符',
  },
  TRANSFER_BROKE_OFF: {
    status: 502,
    en: 'the connection broke off while bytes were coming',
    zh: '传输过程中连接中断',
  },
  CONTENT_QUARANTINED: {
    status: 502,
    en: 'the bytes of {sha256} arrived, but their other digests are not those of the record',
    zh: '{sha256} 的数据已到达,但其他摘要与记录不符',
  },
  MEMBER_NOT_FOUND: { status: 404, en: 'there is no member {id}', zh: '没有成员 {id}' },
  MEMBER_IS_SELF: {
    status: 409,
    en: 'a node cannot remove itself',
    zh: '节点不能移除自身',
    hint: { en: 'ask another member to remove it', zh: '请在其他成员上移除它' },
  },
  CLUSTERS_DIFFER: {
    status: 409,
    en: 'both nodes are in clusters with other members, which do not merge by themselves',
    zh: '两个节点分属不同的多成员集群,不会自动合并',
  },
  CLUSTER_KEY_UNFIT: {
    status: 400,
    en: 'the cluster key is not usable: {reason}',
    zh: '集群密钥不可用:{reason}',
    hint: { en: 'shoal key makes one', zh: '可用 shoal key 生成' },
  },
  JOIN_REFUSED: {
    status: 403,
    en: 'the other node did not let this one in: {reason}',
    zh: '对方节点未允许加入:{reason}',
  },
  JOIN_NOT_POSSIBLE: { status: 403, en: 'nobody can join in this way here', zh: '此处不能以这种方式加入' },
  JOIN_WAITS: {
    status: 403,
    en: 'somebody at the other node has to say yes first',
    zh: '需要对方节点上有人先确认',
  },
  JOIN_PROOF_WRONG: {
    status: 403,
    en: 'the key or token is not the right one',
    zh: '密钥或令牌不正确',
  },
  JOIN_SESSION_UNKNOWN: { status: 404, en: 'this attempt to join is over', zh: '此次加入尝试已结束' },
  CLUSTER_KEY_RETIRED: {
    status: 403,
    en: 'this cluster key opens nothing any more, since a member was removed',
    zh: '由于有成员被移除,该集群密钥已失效',
    hint: { en: 'give all nodes a new key: shoal key', zh: '请为所有节点设置新密钥:shoal key' },
  },
  INVITE_INVALID: { status: 400, en: 'this is not an invite: {reason}', zh: '这不是有效的邀请:{reason}' },
  INVITE_NOT_FOUND: { status: 404, en: 'there is no such invite', zh: '没有该邀请' },
  PAIRING_NOT_FOUND: { status: 404, en: 'there is no such request to join', zh: '没有该加入请求' },
  TOO_MANY_JOINING: {
    status: 503,
    en: 'too many nodes are trying to join, try again later',
    zh: '同时尝试加入的节点过多,请稍后再试',
  },
  ALREADY_MEMBERS: { status: 409, en: 'the two nodes are in one cluster already', zh: '两个节点已在同一集群中' },

  // --- the node ---
  NOT_READY: { status: 503, en: 'the node is not ready: {reason}', zh: '节点尚未就绪:{reason}' },
  SHUTTING_DOWN: { status: 503, en: 'the node is shutting down', zh: '节点正在关闭' },
  INTERNAL: { status: 500, en: 'something went wrong inside the node', zh: '节点内部出错' },
});

/** A stable error code of the registry. */
export type ErrorCode = keyof typeof errorDefinitions;

/** Values that fill the `{name}` places of a message. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

/** Options of {@link ShoalError}. */
export interface ShoalErrorOptions {
  readonly details?: ErrorDetails;
  /** The error that led here; kept for the log, never shown to a caller. */
  readonly cause?: unknown;
}

/** An error with a code of the registry. `message` is English; {@link describeError} gives other languages. */
export class ShoalError extends Error {
  override readonly name = 'ShoalError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, options: ShoalErrorOptions = {}) {
    const details = options.details ?? {};
    super(fill(errorDefinitions[code].en, details), options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = details;
  }

  /** HTTP status of the code. */
  get status(): number {
    return errorDefinitions[this.code].status;
  }
}

/** The words of an error in one language. */
export interface ErrorDescription {
  readonly code: ErrorCode;
  readonly status: number;
  readonly message: string;
  readonly hint?: string;
}

/** Words an error for people, in the language asked for. */
export function describeError(error: ShoalError, language: Language): ErrorDescription {
  const definition: ErrorDefinition = errorDefinitions[error.code];
  const description = {
    code: error.code,
    status: definition.status,
    message: fill(definition[language], error.details),
  };
  return definition.hint ? { ...description, hint: fill(definition.hint[language], error.details) } : description;
}

/** Turns anything thrown into a coded error: coded ones pass, a full disk keeps its meaning, the rest is INTERNAL. */
export function toShoalError(thrown: unknown): ShoalError {
  if (thrown instanceof ShoalError) return thrown;
  const code = errnoOf(thrown);
  if (code === 'ENOSPC' || code === 'EDQUOT') return new ShoalError('DISK_FULL', { cause: thrown });
  return new ShoalError('INTERNAL', { cause: thrown });
}

/** The `code` of a system error (`ENOENT`, ...), or undefined. */
export function errnoOf(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}

function fill(text: string, details: ErrorDetails): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) => {
    const value = details[name];
    return value === undefined ? place : String(value);
  });
}
