# frozen_string_literal: true

# Fills an empty, migrated database with the default configuration and the sample data.
# The same bytes each time: ids are given, times come from a frozen clock, chance from seeded generators.
namespace :sample do
  desc 'Load the sample data; the description goes to the folder named by SAMPLE_OUT'
  task :load => :environment do
    parts = %w[world people projects issues activity papers description]
    parts.each { |part| require Rails.root.join('sample', "#{part}.rb").to_s }
    ActiveRecord::Base.descendants.each { |model| model.reset_column_information unless model.abstract_class? }

    Sample.at_frozen_clock do
      Redmine::DefaultData::Loader.load('en')
      ActiveRecord::Base.transaction do
        Sample::People.load
        Sample::Projects.load
        Sample::Issues.load
        Sample::Activity.load
        Sample::Papers.load
      end
      Sample::Description.write(ENV.fetch('SAMPLE_OUT'))
    end
  end
end
