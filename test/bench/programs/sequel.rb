# Ruby Sequel on the gem sqlite3 with default settings: each commit reads a row, changes it, and adds another one.
#   sequel.rb create FILE JOURNAL | work FILE COMMITS
require "json"
require "sequel"

what, file, value = ARGV
DB = Sequel.sqlite(file)

def create(journal)
  DB.run("PRAGMA journal_mode = #{journal}")
  DB.create_table(:accounts) { primary_key :id; Integer :balance }
  DB.create_table(:entries) { primary_key :id; Integer :balance }
  DB[:accounts].insert(balance: 0)
end

def add_entry
  DB.transaction do
    account = DB[:accounts].first
    DB[:accounts].where(id: account[:id]).update(balance: account[:balance] + 1)
    DB[:entries].insert(balance: account[:balance] + 1)
  end
end

def work(commits)
  errors = []
  puts "loaded"
  $stdout.flush
  $stdin.gets
  commits.times do
    add_entry
  rescue Sequel::DatabaseError => error
    errors << error.message
  end
  puts JSON.generate({ tried: commits, errors: errors })
end

what == "create" ? create(value) : work(value.to_i)
